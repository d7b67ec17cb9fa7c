//! The settings of tools that search the web, in the forms in which both dialects bring them.

use cupola_tools::web::{Freshness, Query};
use serde::Deserialize;
use serde_json::Value;

/// How many pages are given where nobody says, by how much context is wanted.
const PAGES: [(&str, usize); 3] = [("low", 5), ("medium", 8), ("high", 12)];
/// The most pages that are given.
const MOST_PAGES: usize = 20;

/// The settings of all of these tools. Fields that one does not have are left out there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    description: Option<String>,
    filters: Option<Filters>,
    user_location: Option<Location>,
    search_context_size: Option<String>,
    custom_search_configuration: Option<Configuration>,
    #[serde(alias = "bing_grounding", alias = "bing_custom_search", alias = "bing_custom_search_preview")]
    bing: Option<Parameters>,
    /// Runs give the parameters themselves.
    search_configurations: Option<Vec<Configuration>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Filters {
    allowed_domains: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Location {
    country: Option<String>,
    region: Option<String>,
    city: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Parameters {
    search_configurations: Option<Vec<Configuration>>,
}

/// One way to search. There is exactly one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Configuration {
    instance_name: Option<String>,
    market: Option<String>,
    set_lang: Option<String>,
    count: Option<u64>,
    freshness: Option<String>,
}

impl Settings {
    /// The settings of a tool.
    pub fn read(settings: &Value) -> Result<Self, serde_json::Error> {
        match settings {
            Value::Null => Ok(Self::default()),
            settings => Self::deserialize(settings),
        }
    }

    /// What is looked for.
    pub fn query(&self, words: String) -> Query {
        let configuration = self.configuration();
        let asked = configuration.and_then(|one| usize::try_from(one.count?).ok());
        let wanted = self.search_context_size.as_deref().unwrap_or("medium");
        let usual = PAGES.iter().find(|(size, _)| *size == wanted).map_or(PAGES[1].1, |(_, pages)| *pages);
        let text = |of: fn(&Configuration) -> &Option<String>| {
            configuration.and_then(|one| of(one).clone()).filter(|text| !text.is_empty())
        };
        Query {
            words,
            limit: asked.unwrap_or(usual).clamp(1, MOST_PAGES),
            domains: self.filters.clone().and_then(|filters| filters.allowed_domains).unwrap_or_default(),
            country: self.user_location.clone().and_then(|location| location.country),
            market: text(|one| &one.market),
            language: text(|one| &one.set_lang),
            freshness: text(|one| &one.freshness).and_then(|word| Freshness::of(&word)),
            instance: text(|one| &one.instance_name),
        }
    }

    /// What the model is told beside the description of the function.
    pub fn hints(&self) -> Vec<String> {
        let near = self.user_location.as_ref().and_then(|location| {
            let parts = [&location.city, &location.region, &location.country];
            let parts: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
            (!parts.is_empty()).then(|| format!("The user is near {}.", parts.join(", ")))
        });
        self.description.clone().into_iter().chain(near).collect()
    }

    fn configuration(&self) -> Option<&Configuration> {
        let given = self.bing.as_ref().and_then(|bing| bing.search_configurations.as_ref());
        let given = given.or(self.search_configurations.as_ref());
        given.and_then(|all| all.first()).or(self.custom_search_configuration.as_ref())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn query(settings: Value) -> Query {
        Settings::read(&settings).unwrap().query("q".into())
    }

    #[test]
    fn a_configuration_is_found_wherever_a_dialect_has_it() {
        let one = json!([{"instance_name": "i", "market": "en-GB", "count": 3, "freshness": "Week"}]);
        for settings in [
            json!({"search_configurations": one}),
            json!({"type": "bing_grounding", "bing_grounding": {"search_configurations": one}}),
            json!({"bing_custom_search_preview": {"search_configurations": one}}),
        ] {
            let query = query(settings);
            assert_eq!((query.limit, query.freshness), (3, Some(Freshness::Week)));
            assert_eq!((query.market.as_deref(), query.instance.as_deref()), (Some("en-GB"), Some("i")));
        }
        let custom = query(json!({"custom_search_configuration": {"instance_name": "mine"}}));
        assert_eq!(custom.instance.as_deref(), Some("mine"));
    }

    #[test]
    fn filters_places_and_sizes_are_followed() {
        let settings = json!({
            "type": "web_search", "filters": {"allowed_domains": ["a.example"]}, "search_context_size": "low",
            "user_location": {"type": "approximate", "city": "London", "country": "GB", "timezone": null},
        });
        let asked = query(settings.clone());
        assert_eq!(
            (asked.limit, asked.domains, asked.country.as_deref()),
            (5, vec!["a.example".into()], Some("GB"))
        );
        assert_eq!(Settings::read(&settings).unwrap().hints(), ["The user is near London, GB."]);
        assert_eq!(query(Value::Null).limit, 8);
        assert_eq!(query(json!({"filters": null, "search_context_size": "huge"})).limit, 8);
    }
}
