//! Values on their way into a statement and out of a row, the same for both drivers.

use clipmill_domain::{
    ClipId, CorrectionId, EpochId, HeadId, Id, JobId, LexiconEntryId, MediaTime, PartId, PostId, ProductId,
    RecordingId, RemixId, SegmentId, SellingPointId, SourceId, Span, UtteranceId, WallTime,
    provenance::StageVersion, taxonomy::Label,
};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

use crate::StoreError;

/// A bound value: the three column types of the schema.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Real(f64),
}

/// A statement with its values, bound in the order of `$1`, `$2`, ….
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Value>,
}

/// Begins a statement.
pub(crate) fn sql(text: &'static str) -> Query {
    Query { sql: text, values: Vec::new() }
}

impl Query {
    /// Binds the next placeholder.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::Text(Some(s.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(s: &String) -> Self {
        Self::Text(Some(s.clone()))
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::Text(Some(s))
    }
}

impl From<Option<String>> for Value {
    fn from(s: Option<String>) -> Self {
        Self::Text(s)
    }
}

impl From<&Option<String>> for Value {
    fn from(s: &Option<String>) -> Self {
        Self::Text(s.clone())
    }
}

impl From<Option<&str>> for Value {
    fn from(s: Option<&str>) -> Self {
        Self::Text(s.map(str::to_owned))
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Self::Int(Some(i))
    }
}

impl From<Option<i64>> for Value {
    fn from(i: Option<i64>) -> Self {
        Self::Int(i)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Int(Some(i64::from(b)))
    }
}

impl From<f32> for Value {
    fn from(r: f32) -> Self {
        Self::Real(f64::from(r))
    }
}

impl From<WallTime> for Value {
    fn from(t: WallTime) -> Self {
        Self::Int(Some(t.as_millis()))
    }
}

impl From<Option<WallTime>> for Value {
    fn from(t: Option<WallTime>) -> Self {
        Self::Int(t.map(WallTime::as_millis))
    }
}

impl From<MediaTime> for Value {
    fn from(t: MediaTime) -> Self {
        Self::Int(Some(t.as_micros()))
    }
}

impl From<Label> for Value {
    fn from(l: Label) -> Self {
        Self::Text(Some(l.key().to_owned()))
    }
}

impl From<&StageVersion> for Value {
    fn from(v: &StageVersion) -> Self {
        Self::Text(Some(v.as_str().to_owned()))
    }
}

macro_rules! id_values {
    ($($id:ident)*) => {$(
        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Text(Some(id.to_string()))
            }
        }
    )*};
}

id_values! { ClipId CorrectionId EpochId HeadId JobId LexiconEntryId PartId PostId ProductId RecordingId RemixId SegmentId SellingPointId SourceId UtteranceId }

/// JSON text of a stored structure.
pub(crate) fn json<T: Serialize>(column: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Corrupt { column, why: e.to_string() })
}

/// The stored word of a field-less enum, for example `timestamp_jump`.
pub(crate) fn word<T: Serialize>(column: &'static str, value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(s)) => Ok(s),
        Ok(other) => Err(StoreError::Corrupt { column, why: format!("{other} is not a word") }),
        Err(e) => Err(StoreError::Corrupt { column, why: e.to_string() }),
    }
}

/// A fetched row of either driver.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    fn cell<'r, T>(&'r self, column: &'static str) -> Result<T, StoreError>
    where
        T: sqlx::Decode<'r, sqlx::Sqlite>
            + sqlx::Type<sqlx::Sqlite>
            + sqlx::Decode<'r, sqlx::Postgres>
            + sqlx::Type<sqlx::Postgres>,
    {
        match self {
            Self::Sqlite(r) => r.try_get(column),
            Self::Postgres(r) => r.try_get(column),
        }
        .map_err(|e| StoreError::Corrupt { column, why: e.to_string() })
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.cell(column)
    }

    pub(crate) fn text_or_null(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.cell(column)
    }

    pub(crate) fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.cell(column)
    }

    pub(crate) fn int_or_null(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.cell(column)
    }

    pub(crate) fn yes(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn ratio(&self, column: &'static str) -> Result<f32, StoreError> {
        let wide: f64 = self.cell(column)?;
        #[expect(clippy::cast_possible_truncation, reason = "written from an f32, so nothing is lost")]
        let narrow = wide as f32;
        Ok(narrow)
    }

    pub(crate) fn id<T: Id>(&self, column: &'static str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|e| StoreError::Corrupt { column, why: format!("{e}") })
    }

    pub(crate) fn wall(&self, column: &'static str) -> Result<WallTime, StoreError> {
        Ok(WallTime::from_millis(self.int(column)?))
    }

    pub(crate) fn wall_or_null(&self, column: &'static str) -> Result<Option<WallTime>, StoreError> {
        Ok(self.int_or_null(column)?.map(WallTime::from_millis))
    }

    pub(crate) fn media(&self, column: &'static str) -> Result<MediaTime, StoreError> {
        Ok(MediaTime::from_micros(self.int(column)?))
    }

    /// The columns `start_us` and `end_us`.
    pub(crate) fn span(&self) -> Result<Span, StoreError> {
        Span::new(self.media("start_us")?, self.media("end_us")?)
            .map_err(|e| StoreError::Corrupt { column: "end_us", why: e.to_string() })
    }

    pub(crate) fn label(&self, column: &'static str) -> Result<Label, StoreError> {
        self.text(column)?.parse().map_err(|e| StoreError::Corrupt { column, why: format!("{e}") })
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?)
            .map_err(|e| StoreError::Corrupt { column, why: e.to_string() })
    }

    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        read_word(column, self.text(column)?)
    }

    pub(crate) fn word_or_null<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.text_or_null(column)?.map(|s| read_word(column, s)).transpose()
    }
}

fn read_word<T: DeserializeOwned>(column: &'static str, text: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(text))
        .map_err(|e| StoreError::Corrupt { column, why: e.to_string() })
}
