//! Bodies of any length, made while they are sent: memory stays bounded whatever is asked.

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use serde::Serialize;

use crate::store::{Rows, StoreError};

/// Parts of a JSON body, one after the other.
pub(crate) struct JsonBody {
    parts: Vec<Part>,
}

type Part = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

impl JsonBody {
    pub(crate) fn new() -> Self {
        Self { parts: Vec::new() }
    }

    /// What is known already, such as the braces.
    pub(crate) fn text(mut self, text: String) -> Self {
        self.parts.push(Box::pin(stream::once(async move { Ok(Bytes::from(text)) })));
        self
    }

    /// What is asked for only when all before it is sent.
    pub(crate) fn later(
        mut self,
        text: impl Future<Output = Result<String, StoreError>> + Send + 'static,
    ) -> Self {
        self.parts.push(Box::pin(stream::once(async { text.await.map(Bytes::from) })));
        self
    }

    /// An array of rows, each in the shape that `shape` gives it.
    ///
    /// # Errors
    /// When not even the first rows can be read: then nothing has been sent yet.
    pub(crate) async fn rows<R, S>(
        mut self,
        mut rows: Rows<R>,
        shape: impl Fn(R) -> S + Send + Sync + Clone + 'static,
    ) -> Result<Self, StoreError>
    where
        R: Send + 'static,
        S: Serialize,
    {
        let first = rows.recv().await.transpose()?;
        let chunks = stream::unfold((first, rows), |(first, mut rows)| async move {
            let chunk = match first {
                Some(first) => Ok(first),
                None => rows.recv().await?,
            };
            Some((chunk, (None, rows)))
        });
        let bytes = chunks.scan(false, move |has_rows, chunk| {
            let text = chunk.map(|chunk| to_json(chunk, shape.clone(), has_rows));
            std::future::ready(Some(text))
        });
        self = self.text("[".to_owned());
        self.parts.push(Box::pin(bytes));
        Ok(self.text("]".to_owned()))
    }
}

/// Rows behind those that were written before.
fn to_json<R, S: Serialize>(rows: Vec<R>, shape: impl Fn(R) -> S, has_rows: &mut bool) -> Bytes {
    let mut text = Vec::new();
    for row in rows {
        if *has_rows {
            text.push(b',');
        }
        *has_rows = true;
        serde_json::to_writer(&mut text, &shape(row))
            .expect("memory can be written, and every key is text");
    }
    Bytes::from(text)
}

impl IntoResponse for JsonBody {
    fn into_response(self) -> Response {
        // A failure in the middle cuts the body off, which no client takes for the end.
        let body = Body::from_stream(stream::iter(self.parts).flatten());
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}
