//! Which keys there are, asked of the types themselves, so that no second list can go stale.
//!
//! Every struct tells a deserializer its field names before it reads anything. The probe walks to
//! one place, notes what is asked for there, and stops the reading.

use std::cell::Cell;

use serde::{
    de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor, value},
    forward_to_deserialize_any,
};

/// Stands for the name that the user chooses in a table of named things.
pub(super) const ANY_NAME: &str = "<name>";

/// Stands for an element of a list.
const ELEMENT: &str = "[]";

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A text, taken as it is.
    Text,
    /// A number or a boolean.
    Literal,
    /// Either of them.
    Any,
    /// A list.
    List,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// The way to it: `["runs", "expires_after"]`.
    pub(super) path: Vec<&'static str>,
    /// How its value is written.
    pub(super) form: Form,
}

impl Key {
    /// The path as users write it: `runs.expires_after`, `identity.api_keys[].name`.
    pub(super) fn name(&self) -> String {
        self.path.join(".").replace(".[]", "[]")
    }

    /// Whether it lies inside a list, where only a file can set it.
    pub(super) fn is_in_list(&self) -> bool {
        self.path.contains(&ELEMENT)
    }
}

/// Every key of `T`, in the order of its fields.
pub(super) fn keys_of<T: DeserializeOwned>() -> Vec<Key> {
    let mut keys = Vec::new();
    explore::<T>(&mut Vec::new(), &mut keys);
    keys
}

fn explore<T: DeserializeOwned>(path: &mut Vec<&'static str>, keys: &mut Vec<Key>) {
    match look::<T>(path) {
        Seen::Struct(fields) => fields.iter().for_each(|field| descend::<T>(path, field, keys)),
        Seen::Map => descend::<T>(path, ANY_NAME, keys),
        Seen::List => {
            keys.push(Key { path: path.clone(), form: Form::List });
            if matches!(look::<T>(&[path.as_slice(), &[ELEMENT]].concat()), Seen::Struct(_)) {
                descend::<T>(path, ELEMENT, keys);
            }
        }
        Seen::Leaf(form) => keys.push(Key { path: path.clone(), form }),
    }
}

fn descend<T: DeserializeOwned>(path: &mut Vec<&'static str>, step: &'static str, keys: &mut Vec<Key>) {
    path.push(step);
    explore::<T>(path, keys);
    path.pop();
}

/// What a type asks for at a place.
#[derive(Clone, Copy)]
enum Seen {
    Struct(&'static [&'static str]),
    Map,
    List,
    Leaf(Form),
}

fn look<T: DeserializeOwned>(path: &[&'static str]) -> Seen {
    let seen = Cell::new(Seen::Leaf(Form::Any));
    // It always stops with an error; what counts was noted on the way.
    let _ = T::deserialize(Probe { path, seen: &seen });
    seen.get()
}

#[derive(Clone, Copy)]
struct Probe<'a> {
    path: &'a [&'static str],
    seen: &'a Cell<Seen>,
}

impl<'a> Probe<'a> {
    fn stop<T>(self, seen: Seen) -> Result<T, value::Error> {
        if self.path.is_empty() {
            self.seen.set(seen);
        }
        Err(value::Error::custom("seen enough"))
    }

    /// The next step and the probe behind it.
    fn step(self) -> Option<(&'static str, Probe<'a>)> {
        let (first, path) = self.path.split_first()?;
        Some((first, Probe { path, seen: self.seen }))
    }

    fn enter<'de, V: Visitor<'de>>(self, visitor: V, seen: Seen) -> Result<V::Value, value::Error> {
        match self.step() {
            None => self.stop(seen),
            Some((ELEMENT, inner)) => visitor.visit_seq(One { key: None, inner: Some(inner) }),
            Some((key, inner)) => visitor.visit_map(One { key: Some(key), inner: Some(inner) }),
        }
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.enter(visitor, Seen::Struct(fields))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.enter(visitor, Seen::Map)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.enter(visitor, Seen::List)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        self.stop(Seen::Leaf(Form::Text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        self.stop(Seen::Leaf(Form::Text))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.stop(Seen::Leaf(Form::Text))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        self.stop(Seen::Leaf(Form::Literal))
    }

    fn deserialize_u32<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        self.stop(Seen::Leaf(Form::Literal))
    }

    fn deserialize_u64<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        self.stop(Seen::Leaf(Form::Literal))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Self::Error> {
        self.stop(Seen::Leaf(Form::Any))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        identifier ignored_any
    }
}

/// A table or a list with one entry in it.
struct One<'a> {
    key: Option<&'static str>,
    inner: Option<Probe<'a>>,
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = value::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        self.key.take().map(|key| seed.deserialize(value::StrDeserializer::new(key))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        let inner = self.inner.take().ok_or_else(|| value::Error::custom("no second entry"))?;
        seed.deserialize(inner)
    }
}

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = value::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Self::Error> {
        self.inner.take().map(|inner| seed.deserialize(inner)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape counts")]
    struct House {
        name: String,
        floors: Option<u64>,
        lit: bool,
        rooms: BTreeMap<String, Room>,
        doors: Vec<Room>,
        colours: Vec<String>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape counts")]
    struct Room {
        area: u64,
    }

    #[test]
    fn every_key_is_found_with_its_form() {
        let found: Vec<(String, Form)> =
            keys_of::<House>().iter().map(|key| (key.name(), key.form)).collect();
        let expected = [
            ("name", Form::Text),
            ("floors", Form::Literal),
            ("lit", Form::Literal),
            ("rooms.<name>.area", Form::Literal),
            ("doors", Form::List),
            ("doors[].area", Form::Literal),
            ("colours", Form::List),
        ];
        assert_eq!(found, expected.map(|(name, form)| (name.to_owned(), form)));
    }
}
