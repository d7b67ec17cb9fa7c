//! Interpreters that are ready before they are needed.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cupola_interpreter::{Cage, Ended, Interpreters, PoolSettings, Runtime, Size, StartFault, Started};
use tokio::sync::watch;

use crate::place::{KEPT, Place};
use tokio::time::sleep;

/// Counts what is started.
struct Counting {
    runtime: Arc<Cage>,
    started: watch::Sender<usize>,
}

#[async_trait]
impl Runtime for Counting {
    async fn start(&self, size: Size) -> Result<Started, StartFault> {
        self.started.send_modify(|count| *count += 1);
        self.runtime.start(size).await
    }

    fn check(&self) -> Result<(), StartFault> {
        self.runtime.check()
    }
}

fn pool(place: &Place, spares: usize) -> (Interpreters, watch::Receiver<usize>) {
    let (started, count) = watch::channel(0);
    let runtime = Arc::new(Counting { runtime: Arc::clone(&place.runtime), started });
    let settings = PoolSettings { size: Size::default(), spares, idle: Duration::from_secs(60) };
    (Interpreters::new(runtime, settings), count)
}

#[tokio::test]
async fn nothing_is_started_before_somebody_asks_and_then_one_more_is_kept_ready() {
    let place = Place::new().await;
    let (pool, mut started) = pool(&place, 1);
    assert_eq!(*started.borrow(), 0);
    let mut first = pool.start(Size::default()).await.unwrap();
    started.wait_for(|count| *count == 2).await.unwrap();
    let mut second = pool.start(Size::default()).await.unwrap();
    for interpreter in [&mut first, &mut second] {
        let ran = interpreter
            .run("'x' in globals(), __import__('os').listdir()", sleep(Duration::from_secs(9)), KEPT)
            .await;
        assert_eq!((ran.ended, ran.logs.as_str()), (Ended::Completed, "(False, [])\n"));
        interpreter.run("x = 1; open('mine', 'w').close()", sleep(Duration::from_secs(9)), KEPT).await;
    }
    pool.close().await;
}

#[tokio::test]
async fn another_size_is_started_for_whoever_asks() {
    let place = Place::new().await;
    let (pool, started) = pool(&place, 1);
    let size = Size::default().with_memory(512 << 20);
    let mut interpreter = pool.start(size).await.unwrap();
    let ran = interpreter.run("1", sleep(Duration::from_secs(9)), KEPT).await;
    assert_eq!((ran.ended, *started.borrow()), (Ended::Completed, 1));
}

#[tokio::test]
async fn without_an_environment_it_is_said_what_to_do() {
    let place = Place::new().await;
    let folder = place.folder.path();
    let cage = Cage::open(folder.join("nowhere"), folder.join("traces")).unwrap();
    let settings = PoolSettings { size: Size::default(), spares: 1, idle: Duration::from_secs(60) };
    let pool = Interpreters::new(Arc::new(cage), settings);
    for _ in 0..3 {
        let Err(fault) = pool.start(Size::default()).await else { panic!("it started") };
        assert!(fault.to_string().ends_with("Make it once with: cupola setup code-interpreter"), "{fault}");
    }
}
