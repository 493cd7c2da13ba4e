//! Values as PostgreSQL has them.

use std::error::Error;

use anyhow::{Context as _, bail};
use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::super::{Row, Value};

pub(super) fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect()
}

pub(super) fn row(row: &tokio_postgres::Row) -> anyhow::Result<Row> {
    (0..row.len()).map(|place| value(row, place)).collect::<Result<_, _>>().map(Row)
}

fn value(row: &tokio_postgres::Row, place: usize) -> anyhow::Result<Value> {
    let value = match *row.columns().get(place).context("a column is missing")?.type_() {
        Type::INT8 => Value::from(row.try_get::<_, Option<i64>>(place)?),
        Type::INT4 => Value::from(row.try_get::<_, Option<i32>>(place)?.map(i64::from)),
        Type::BOOL => Value::from(row.try_get::<_, Option<bool>>(place)?.map(i64::from)),
        Type::TEXT | Type::VARCHAR => Value::from(row.try_get::<_, Option<String>>(place)?),
        Type::BYTEA => Value::from(row.try_get::<_, Option<Vec<u8>>>(place)?),
        Type::NUMERIC => bail!("column {place} is a sum without bounds; write `CAST(SUM(…) AS BIGINT)`"),
        ref other => bail!("column {place} is of type {other}, which central does not use"),
    };
    Ok(value)
}

impl ToSql for Value {
    fn to_sql(&self, r#type: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Nothing => Ok(IsNull::Yes),
            Self::Integer(integer) if *r#type == Type::INT4 => i32::try_from(*integer)?.to_sql(r#type, out),
            Self::Integer(integer) if *r#type == Type::INT8 => integer.to_sql(r#type, out),
            Self::Text(text) if [Type::TEXT, Type::VARCHAR].contains(r#type) => text.to_sql(r#type, out),
            Self::Bytes(bytes) if *r#type == Type::BYTEA => bytes.to_sql(r#type, out),
            Self::Integer(_) | Self::Text(_) | Self::Bytes(_) => {
                Err(format!("{} where PostgreSQL has {type}", self.kind()).into())
            }
        }
    }

    fn accepts(r#type: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::VARCHAR, Type::BYTEA].contains(r#type)
    }

    to_sql_checked!();
}
