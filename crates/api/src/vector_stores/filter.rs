//! Whether a file's attributes meet a filter.

use cupola_wire::vector_stores::{
    AttributeValue, Attributes, Comparator, Comparison, Compound, Connective, Filter, FilterValue,
};

use crate::ApiError;

/// How deep filters may be nested, and how many conditions one may have.
const MAX_DEPTH: usize = 16;
const MAX_CONDITIONS: usize = 256;

/// Refuses filters that can't mean anything. `param` is the path of the filter.
pub fn check(param: &str, filter: &Filter) -> Result<(), ApiError> {
    let mut conditions = 0;
    check_below(param, filter, 1, &mut conditions)
}

fn check_below(param: &str, filter: &Filter, depth: usize, conditions: &mut usize) -> Result<(), ApiError> {
    let wrong = |param: &str, sentence: String| {
        Err(ApiError::invalid(format!("Invalid '{param}': {sentence}")).code("invalid_value").param(param))
    };
    *conditions += 1;
    if depth > MAX_DEPTH || *conditions > MAX_CONDITIONS {
        let limits = format!("at most {MAX_CONDITIONS} conditions, nested at most {MAX_DEPTH} deep.");
        return wrong(param, format!("too many conditions. Use {limits}"));
    }
    match filter {
        Filter::Comparison(comparison) => match check_value(comparison) {
            Some(sentence) => wrong(&format!("{param}.value"), sentence.to_owned()),
            None => Ok(()),
        },
        Filter::Compound(compound) if compound.filters.is_empty() => {
            wrong(&format!("{param}.filters"), "there must be at least one condition.".to_owned())
        }
        Filter::Compound(compound) => compound.filters.iter().enumerate().try_for_each(|(index, inner)| {
            check_below(&format!("{param}.filters[{index}]"), inner, depth + 1, conditions)
        }),
    }
}

/// What is wrong with the value of a comparison.
fn check_value(comparison: &Comparison) -> Option<&'static str> {
    use AttributeValue::Flag;
    match (comparison.comparator, &comparison.value) {
        (Comparator::In | Comparator::Nin, FilterValue::Several(_)) => None,
        (Comparator::In | Comparator::Nin, FilterValue::One(_)) => {
            Some("'in' and 'nin' need an array of values.")
        }
        (_, FilterValue::Several(_)) => Some("only 'in' and 'nin' take an array of values."),
        (Comparator::Eq | Comparator::Ne, FilterValue::One(_)) => None,
        (_, FilterValue::One(Flag(_))) => Some("true and false are not more or less than each other."),
        (_, FilterValue::One(_)) => None,
    }
}

/// Whether these attributes meet the filter. An attribute that is not there is no value: it is not equal to any,
/// and neither more nor less.
pub fn matches(filter: &Filter, attributes: &Attributes) -> bool {
    match filter {
        Filter::Comparison(comparison) => compare(comparison, attributes.get(&comparison.key)),
        Filter::Compound(Compound { connective: Connective::And, filters }) => {
            filters.iter().all(|inner| matches(inner, attributes))
        }
        Filter::Compound(Compound { connective: Connective::Or, filters }) => {
            filters.iter().any(|inner| matches(inner, attributes))
        }
    }
}

fn compare(comparison: &Comparison, found: Option<&AttributeValue>) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let is_any_of = |values: &[AttributeValue]| {
        found.is_some_and(|found| values.iter().any(|value| order(found, value) == Some(Equal)))
    };
    let values = match &comparison.value {
        FilterValue::One(value) => std::slice::from_ref(value),
        FilterValue::Several(values) => values,
    };
    let order = || order(found?, values.first()?);
    match comparison.comparator {
        Comparator::Eq | Comparator::In => is_any_of(values),
        Comparator::Ne | Comparator::Nin => !is_any_of(values),
        Comparator::Gt => order() == Some(Greater),
        Comparator::Gte => matches!(order(), Some(Greater | Equal)),
        Comparator::Lt => order() == Some(Less),
        Comparator::Lte => matches!(order(), Some(Less | Equal)),
    }
}

/// How two values compare; values of different kinds don't.
fn order(a: &AttributeValue, b: &AttributeValue) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (AttributeValue::Text(a), AttributeValue::Text(b)) => Some(a.cmp(b)),
        (AttributeValue::Flag(a), AttributeValue::Flag(b)) => Some(a.cmp(b)),
        // Whole numbers above 2^53 are not what a float can tell apart.
        (AttributeValue::Number(a), AttributeValue::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        _ => None,
    }
}
