//! Which of the offered functions fit what the user said.
//! Counts the words that the user's text shares with a function's name and description.

use std::collections::HashSet;

use crate::{FunctionDeclaration, ModelRequest, ToolChoice};

/// Words that say nothing about what a function is for.
const EMPTY_WORDS: &str = "\
    a an the is are was be am and or not of in on at for to from by with as it its this that \
    these those there i me my you your we our us what whats which who when where why how do does \
    did can could would will should may please hi hello hey thank tell show give want need like \
    about if then so also just any some all one s t re function tool specified given information \
    info value string json object return result use call user assistant agent let know have has";

/// Verbs that many functions share: they decide between two that fit, but are no reason alone.
const COMMON_VERBS: &str = "\
    get fetch find list make create set send run retrieve lookup look update delete add remove \
    read write check query search start stop open close";

const NAME: u32 = 6;
const DESCRIPTION: u32 = 2;
const VERB: u32 = 1;

/// The functions to call now, the best first; none if none fits or none may be called.
pub(crate) fn choose<'a>(request: &'a ModelRequest, user_text: &str) -> Vec<&'a FunctionDeclaration> {
    let wanted = words(user_text);
    let mut fits: Vec<Fit<'_>> = request.tools.iter().map(|tool| Fit::of(tool, &wanted)).collect();
    // Stable: among equals the one that was offered first wins.
    fits.sort_by_key(|fit| std::cmp::Reverse(fit.score));
    match &request.tool_choice {
        ToolChoice::None => Vec::new(),
        ToolChoice::Function(name) => {
            request.tools.iter().filter(|tool| tool.name == *name).take(1).collect()
        }
        ToolChoice::Required => {
            let fitting = clear_fits(&fits, request.parallel_tool_calls);
            if fitting.is_empty() { request.tools.first().into_iter().collect() } else { fitting }
        }
        ToolChoice::Auto => clear_fits(&fits, request.parallel_tool_calls),
    }
}

/// How well a function fits.
struct Fit<'a> {
    function: &'a FunctionDeclaration,
    score: u32,
    /// The user's words that its name shares.
    by_name: HashSet<usize>,
}

impl<'a> Fit<'a> {
    fn of(function: &'a FunctionDeclaration, wanted: &[String]) -> Self {
        let name = words(&function.name);
        let description = words(function.description.as_deref().unwrap_or_default());
        let (mut reasons, mut verbs, mut by_name) = (0, 0, HashSet::new());
        for (at, word) in wanted.iter().enumerate() {
            let in_name = name.iter().any(|other| related(word, other));
            if is_in(COMMON_VERBS, word) {
                verbs += if in_name { VERB } else { 0 };
            } else if in_name {
                reasons += NAME;
                by_name.insert(at);
            } else if description.iter().any(|other| related(word, other)) {
                reasons += DESCRIPTION;
            }
        }
        Self { function, score: if reasons > 0 { reasons + verbs } else { 0 }, by_name }
    }
}

/// The best function, and others where something that the user named is left for them.
fn clear_fits<'a>(fits: &[Fit<'a>], parallel: Option<bool>) -> Vec<&'a FunctionDeclaration> {
    let Some(best) = fits.first().filter(|best| best.score > 0) else {
        return Vec::new();
    };
    let mut chosen = vec![best.function];
    let mut covered = best.by_name.clone();
    for fit in fits[1..].iter().filter(|_| parallel != Some(false)) {
        if !fit.by_name.is_subset(&covered) {
            covered.extend(&fit.by_name);
            chosen.push(fit.function);
        }
    }
    chosen
}

/// The telling words of a text, without endings; each once. `getWeather` and `get_weather` are two words.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut after_lower = false;
    for c in text.chars().chain([' ']) {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_lower) {
            let stem = stem(&std::mem::take(&mut word));
            if !stem.is_empty() && !is_in(EMPTY_WORDS, &stem) && !words.contains(&stem) {
                words.push(stem);
            }
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    words
}

fn is_in(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

/// The word without the usual endings: roughly, which is enough to compare two of them.
fn stem(word: &str) -> String {
    let without = |ending: &str| word.strip_suffix(ending).filter(|stem| stem.chars().count() >= 3);
    if let Some(stem) = without("ies") {
        return format!("{stem}y");
    }
    let sibilant =
        |stem: &&str| stem.ends_with(['s', 'x', 'z']) || stem.ends_with("ch") || stem.ends_with("sh");
    let plural =
        || without("es").filter(sibilant).or_else(|| without("s").filter(|stem| !stem.ends_with('s')));
    plural().or_else(|| without("ing")).or_else(|| without("ed")).unwrap_or(word).to_owned()
}

/// Equal, or one within the other like `time` in `datetime`.
fn related(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short == long || (short.chars().count() >= 4 && long.contains(short))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, description: &str) -> FunctionDeclaration {
        FunctionDeclaration {
            name: name.into(),
            description: Some(description.into()),
            parameters: serde_json::json!({}),
            strict: None,
        }
    }

    fn offered() -> ModelRequest {
        let tools = vec![
            function("fetch_current_datetime", "Get the current time as a JSON string."),
            function("get_weather", "Fetches the weather information for the specified location."),
            function("sendEmail", "Sends an email with a subject and a body to a recipient."),
            function("create_ticket", "Opens a support ticket."),
            function("delete_ticket", "Deletes a support ticket."),
        ];
        ModelRequest { tools, ..Default::default() }
    }

    fn chosen(request: &ModelRequest, text: &str) -> Vec<String> {
        choose(request, text).into_iter().map(|function| function.name.clone()).collect()
    }

    #[test]
    fn the_function_that_shares_words_is_chosen() {
        let request = offered();
        for (text, name) in [
            ("What's the weather like in Seattle?", "get_weather"),
            ("what time is it", "fetch_current_datetime"),
            ("Please send an e-mail: emails are nice", "sendEmail"),
            ("delete my tickets", "delete_ticket"),
            ("Create the ticket", "create_ticket"),
        ] {
            assert_eq!(chosen(&request, text), [name], "{text}");
        }
    }

    #[test]
    fn endings_do_not_matter() {
        for (word, other) in [("times", "time"), ("cities", "city"), ("boxes", "box"), ("pricing", "price")] {
            assert!(related(&stem(word), &stem(other)), "{word}");
        }
        assert_eq!(stem("address"), "address");
    }

    #[test]
    fn nothing_is_chosen_without_a_reason() {
        for text in ["Hello!", "Tell me a joke", "", "get and send it"] {
            assert!(chosen(&offered(), text).is_empty(), "{text}");
        }
    }

    #[test]
    fn several_that_clearly_fit_are_called_in_parallel_if_that_is_allowed() {
        let mut request = offered();
        let text = "What's the weather in Paris and what time is it there?";
        assert_eq!(chosen(&request, text), ["fetch_current_datetime", "get_weather"]);
        request.parallel_tool_calls = Some(false);
        assert_eq!(chosen(&request, text).len(), 1);
    }

    #[test]
    fn the_tool_choice_is_honoured() {
        let mut request = offered();
        request.tool_choice = ToolChoice::Required;
        assert_eq!(chosen(&request, "Hello!"), ["fetch_current_datetime"]);
        request.tool_choice = ToolChoice::Function("create_ticket".into());
        assert_eq!(chosen(&request, "weather"), ["create_ticket"]);
        request.tool_choice = ToolChoice::None;
        assert!(chosen(&request, "weather").is_empty());
    }
}
