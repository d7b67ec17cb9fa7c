use cupola_models::*;
use futures_util::StreamExt;
use std::time::*;
use tokio::io::*;
#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let c = ModelsConfig::default();
    for _ in 0..3 {
        let t = Instant::now();
        let k = Catalog::build(&c, &|_: &str| None).await.unwrap();
        println!("nothing {:?} {:?}", t.elapsed(), k.findings()[0].provider);
    }
    for url in ["https://x.example/v1", "http://127.0.0.1:1/v1"] {
        let t = Instant::now();
        Catalog::build(&c, &|n: &str| match n {
            "OPENAI_API_KEY" => Some("k".into()),
            "OPENAI_BASE_URL" => Some(url.into()),
            _ => None,
        })
        .await
        .unwrap();
        println!("{url} {:?}", t.elapsed());
    }
    let l = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let a = l.local_addr().unwrap();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async move{ let l=l; loop{ let (mut s,_)=l.accept().await.unwrap(); println!("accepted"); tokio::spawn(async move{ let mut b=vec![0;65536]; loop { let n=s.read(&mut b).await.unwrap(); if n==0 {return}
   let n=if b[..n].windows(5).any(|w|w==b"many!"){200000}else{3};
   let mut o=String::from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n");
   for _ in 0..n { let e="data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o\",\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" hello\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"; o+=&format!("{:x}\r\n{e}\r\n",e.len()); }
   let e="data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"; o+=&format!("{:x}\r\n{e}\r\n0\r\n\r\n",e.len());
   if s.write_all(o.as_bytes()).await.is_err(){return} } }); } })
    });
    let u = format!("http://{a}/v1");
    let k = Catalog::build(&c, &|n: &str| match n {
        "OPENAI_API_KEY" => Some("k".into()),
        "OPENAI_BASE_URL" => Some(u.clone()),
        _ => None,
    })
    .await
    .unwrap();
    let p = k.resolve("m").unwrap().provider;
    let ask = |t: &str| ModelRequest {
        messages: vec![ChatMessage::User { parts: vec![Part::Text { text: t.into() }] }],
        model: "m".into(),
        ..Default::default()
    };
    let mut s = p.call(&ask("warm")).await.unwrap();
    while s.next().await.is_some() {}
    let t = Instant::now();
    for _ in 0..1000 {
        let mut s = p.call(&ask("x")).await.unwrap();
        while s.next().await.is_some() {}
    }
    println!("call {:?}", t.elapsed() / 1000);
    let t = Instant::now();
    let mut s = p.call(&ask("many!")).await.unwrap();
    let mut n = 0;
    while s.next().await.is_some() {
        n += 1
    }
    println!("{n} deltas, each {:?}", t.elapsed() / n);
}
