//! Where the operations of a document are served.

use serde_json::Value;
use url::Url;

use super::{
    document::{Flaw, Place},
    parameter::plain,
};

/// The address that paths are appended to, without a slash at its end. Operations may have their own, and paths.
pub(super) fn address(document: &Value, place: &Place<'_>) -> Result<String, Flaw> {
    let first = |of: &'_ Value| of.get("servers")?.as_array()?.first().cloned();
    let own = first(place.operation).or_else(|| first(place.item));
    let (server, at) = match own {
        Some(server) => (server, format!("paths.{}.servers[0].url", place.path)),
        None => match first(document) {
            Some(server) => (server, "servers[0].url".to_owned()),
            None => {
                let reason = "There has to be a server: the document does not say where its paths are.";
                return Err(Flaw::at("servers", reason));
            }
        },
    };
    let written = server.get("url").and_then(Value::as_str).unwrap_or_default();
    let address = with_variables(written, &server["variables"]);
    // Agents may fill in what stands between double braces.
    if written.contains("{{") {
        return Ok(address);
    }
    match Url::parse(&address) {
        Ok(url) if is_whole(&url) && !address.contains('{') => Ok(address.trim_end_matches('/').to_owned()),
        _ => {
            let reason = format!(
                "'{written}' has to be a whole address, such as 'https://api.example.com/v1': nobody knows where \
                 the document comes from."
            );
            Err(Flaw::at(at, reason))
        }
    }
}

fn is_whole(url: &Url) -> bool {
    ["http", "https"].contains(&url.scheme()) && url.has_host()
}

fn with_variables(written: &str, variables: &Value) -> String {
    let mut address = written.to_owned();
    for (name, variable) in variables.as_object().into_iter().flatten() {
        address = address.replace(&format!("{{{name}}}"), &plain(&variable["default"]));
    }
    address
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn served(document: Value, operation: Value) -> Result<String, Flaw> {
        let item = json!({});
        address(&document, &Place { path: "/x", method: "get", item: &item, operation: &operation })
    }

    #[test]
    fn the_nearest_server_counts_with_its_variables() {
        let document = json!({"servers": [{
            "url": "https://{region}.a.example/{base}/",
            "variables": {"region": {"default": "eu"}, "base": {"default": "v1"}},
        }]});
        assert_eq!(served(document.clone(), json!({})), Ok("https://eu.a.example/v1".to_owned()));
        let own = json!({"servers": [{"url": "http://b.example:81"}]});
        assert_eq!(served(document, own), Ok("http://b.example:81".to_owned()));
    }

    #[test]
    fn an_address_that_is_not_whole_is_a_flaw() {
        for url in ["/v1", "v1", "ftp://a.example", "https://{gone}", ""] {
            let flaw = served(json!({"servers": [{"url": url}]}), json!({}));
            assert_eq!(flaw.map_err(|flaw| flaw.place), Err("servers[0].url".to_owned()), "{url}");
        }
        assert_eq!(served(json!({}), json!({})).map_err(|flaw| flaw.place), Err("servers".to_owned()));
    }
}
