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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = AttributeValue> {
        prop_oneof![
            "[ab]{0,2}".prop_map(AttributeValue::Text),
            (-3_i64..3).prop_map(|number| AttributeValue::Number(number.into())),
            (-3_i32..3).prop_map(|half| read(json!(f64::from(half) / 2.0))),
            any::<bool>().prop_map(AttributeValue::Flag),
        ]
    }

    fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    fn one(comparator: Comparator, value: &AttributeValue) -> Filter {
        let value = FilterValue::One(value.clone());
        Filter::Comparison(Comparison { comparator, key: "k".to_owned(), value })
    }

    fn several(comparator: Comparator, values: &[AttributeValue]) -> Filter {
        let value = FilterValue::Several(values.to_vec());
        Filter::Comparison(Comparison { comparator, key: "k".to_owned(), value })
    }

    fn compound(connective: Connective, filters: Vec<Filter>) -> Filter {
        Filter::Compound(Compound { connective, filters })
    }

    fn attributes() -> impl Strategy<Value = Attributes> {
        proptest::option::of(value())
            .prop_map(|value| value.map(|value| ("k".to_owned(), value)).into_iter().collect())
    }

    proptest! {
        #[test]
        fn opposites_are_opposite(found in attributes(), a in value(), b in value()) {
            let is = |comparator| matches(&one(comparator, &a), &found);
            prop_assert_ne!(is(Comparator::Eq), is(Comparator::Ne));
            let both = [a.clone(), b.clone()];
            let is_any = |comparator| matches(&several(comparator, &both), &found);
            prop_assert_ne!(is_any(Comparator::In), is_any(Comparator::Nin));
            let either = [one(Comparator::Eq, &a), one(Comparator::Eq, &b)].to_vec();
            prop_assert_eq!(is_any(Comparator::In), matches(&compound(Connective::Or, either), &found));
        }

        #[test]
        fn values_of_one_kind_are_less_the_same_or_more(found in value(), other in value()) {
            let attributes: Attributes = [("k".to_owned(), found.clone())].into_iter().collect();
            let is = |comparator| matches(&one(comparator, &other), &attributes);
            let ways = [Comparator::Lt, Comparator::Eq, Comparator::Gt].map(is);
            let of_one_kind = std::mem::discriminant(&found) == std::mem::discriminant(&other);
            prop_assert_eq!(ways.iter().filter(|way| **way).count(), usize::from(of_one_kind));
            prop_assert_eq!(is(Comparator::Lte), is(Comparator::Lt) || is(Comparator::Eq));
            prop_assert_eq!(is(Comparator::Gte), is(Comparator::Gt) || is(Comparator::Eq));
        }

        #[test]
        fn compounds_are_all_or_any(found in attributes(), values in proptest::collection::vec(value(), 1..5)) {
            let filters: Vec<Filter> = values.iter().map(|value| one(Comparator::Lte, value)).collect();
            let each: Vec<bool> = filters.iter().map(|filter| matches(filter, &found)).collect();
            let of = |connective| matches(&compound(connective, filters.clone()), &found);
            prop_assert_eq!(of(Connective::And), each.iter().all(|holds| *holds));
            prop_assert_eq!(of(Connective::Or), each.iter().any(|holds| *holds));
        }
    }

    #[test]
    fn whole_numbers_are_told_apart_also_where_floats_can_not() {
        let attributes: Attributes = read(json!({"k": 9_007_199_254_740_993_i64}));
        assert!(!matches(&one(Comparator::Eq, &read(json!(9_007_199_254_740_992_i64))), &attributes));
        assert!(matches(&one(Comparator::Eq, &read(json!(1.0))), &read(json!({"k": 1}))));
    }

    #[test]
    fn a_filter_without_end_is_refused() {
        let deep = (0..MAX_DEPTH)
            .fold(one(Comparator::Eq, &read(json!(1))), |inner, _| compound(Connective::And, vec![inner]));
        assert!(check("filters", &deep).is_err());
        let wide = vec![one(Comparator::Eq, &read(json!(1))); MAX_CONDITIONS];
        assert!(check("filters", &compound(Connective::Or, wide)).is_err());
    }
}
