//! What goes into a statement and comes out of it: integers, texts, bytes, nothing.

use anyhow::{Context as _, bail};

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// SQL's NULL.
    Nothing,
    /// `BIGINT`.
    Integer(i64),
    /// `TEXT`.
    Text(String),
    /// `BLOB`, `BYTEA`.
    Bytes(Vec<u8>),
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub(super) Vec<Value>);

impl Row {
    /// The integer in column `place`, counted from 0.
    ///
    /// # Errors
    /// When there is something else.
    pub fn integer(&self, place: usize) -> anyhow::Result<i64> {
        match self.value(place)? {
            Value::Integer(integer) => Ok(*integer),
            other => bail!("column {place} has no integer but {}", other.kind()),
        }
    }

    /// The text in column `place`.
    ///
    /// # Errors
    /// When there is something else.
    pub fn text(&self, place: usize) -> anyhow::Result<&str> {
        match self.value(place)? {
            Value::Text(text) => Ok(text),
            other => bail!("column {place} has no text but {}", other.kind()),
        }
    }

    /// The bytes in column `place`.
    ///
    /// # Errors
    /// When there is something else.
    pub fn bytes(&self, place: usize) -> anyhow::Result<&[u8]> {
        match self.value(place)? {
            Value::Bytes(bytes) => Ok(bytes),
            other => bail!("column {place} has no bytes but {}", other.kind()),
        }
    }

    /// The integer in column `place`, or nothing.
    ///
    /// # Errors
    /// When there is something else.
    pub fn integer_or_nothing(&self, place: usize) -> anyhow::Result<Option<i64>> {
        if self.value(place)? == &Value::Nothing { Ok(None) } else { self.integer(place).map(Some) }
    }

    /// The text in column `place`, or nothing.
    ///
    /// # Errors
    /// When there is something else.
    pub fn text_or_nothing(&self, place: usize) -> anyhow::Result<Option<&str>> {
        if self.value(place)? == &Value::Nothing { Ok(None) } else { self.text(place).map(Some) }
    }

    /// The bytes in column `place`, or nothing.
    ///
    /// # Errors
    /// When there is something else.
    pub fn bytes_or_nothing(&self, place: usize) -> anyhow::Result<Option<&[u8]>> {
        if self.value(place)? == &Value::Nothing { Ok(None) } else { self.bytes(place).map(Some) }
    }

    fn value(&self, place: usize) -> anyhow::Result<&Value> {
        self.0.get(place).with_context(|| format!("the row has no column {place}"))
    }
}

impl Value {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Integer(_) => "an integer",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<T> From<Option<T>> for Value
where
    Self: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Self::from)
    }
}
