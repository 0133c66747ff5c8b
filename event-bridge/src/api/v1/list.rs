//! Answers of lists: a page as JSON, a page or all of it as CSV.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::{Ask, Format, bad_cursor};
use super::cursor;
use super::sheet::{BYTE_ORDER_MARK, Sheet};
use crate::api::error::ApiError;
use crate::store::{Key, Query, Rows, StoreError};

/// Of a page as CSV, which has no other place for it.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

/// One of a list.
pub(super) trait Item: Serialize + Send + 'static {
    /// What the columns of its sheet are called.
    const COLUMNS: &'static [&'static str];

    /// Its lines in a sheet; most have one.
    fn write(&self, sheet: &mut Sheet);
}

/// One that has its place by time.
pub(super) trait Placed: Item {
    /// Of its list, as in the path.
    const LIST: &'static str;

    fn key(&self) -> Key;
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Page<T> {
    /// Always there, also when it is empty.
    pub(super) items: Vec<T>,
    /// For the parameter `cursor` of the next page; null: this is the last one.
    pub(super) next_cursor: Option<String>,
}

/// The rows of a query, in the shape that `shape` gives them.
pub(super) async fn answer<R, I>(
    ask: &Ask,
    query: Query,
    scan: impl FnOnce(Query) -> Rows<R>,
    shape: impl Fn(R) -> I + Send + 'static,
) -> Result<Response, ApiError>
where
    R: Send + 'static,
    I: Placed,
{
    let Some(limit) = ask.page()? else {
        return whole(ask.format, I::LIST, scan(query), shape).await;
    };
    // One more tells whether there is a next page.
    let mut rows = scan(Query { limit: Some(limit + 1), ..query });
    let mut written = Written::new(ask.format, limit);
    while let Some(chunk) = rows.recv().await {
        // While the next ones are read.
        chunk?.into_iter().map(&shape).for_each(|item| written.add(&item));
    }
    Ok(written.answer::<I>())
}

/// A page in the making.
struct Written {
    format: Format,
    json: Vec<u8>,
    sheet: Sheet,
    left: u64,
    last: Option<Key>,
    has_more: bool,
}

impl Written {
    fn new(format: Format, limit: u64) -> Self {
        let (json, sheet) = (b"{\"items\":[".to_vec(), Sheet::new());
        Self { format, json, sheet, left: limit, last: None, has_more: false }
    }

    fn add<I: Placed>(&mut self, item: &I) {
        if self.left == 0 {
            self.has_more = true;
            return;
        }
        self.left -= 1;
        if self.format != Format::Json {
            item.write(&mut self.sheet);
        } else {
            if self.last.is_some() {
                self.json.push(b',');
            }
            serde_json::to_writer(&mut self.json, item)
                .expect("memory can be written, and every key is text");
        }
        self.last = Some(item.key());
    }

    fn answer<I: Placed>(self) -> Response {
        let last = self.last.filter(|_| self.has_more);
        let next = last.map(|key| cursor::write(I::LIST, key));
        if let Format::Csv { has_mark } = self.format {
            let bytes = [header_of::<I>(has_mark), self.sheet.into_bytes()].concat();
            return page_as_sheet(I::LIST, bytes, next);
        }
        let next = next.map_or("null".to_owned(), |next| format!("\"{next}\""));
        let mut body = self.json;
        body.extend_from_slice(format!("],\"next_cursor\":{next}}}").as_bytes());
        varied(([(header::CONTENT_TYPE, "application/json")], body).into_response())
    }
}

/// A page of those that are known by name and in its order.
pub(super) fn by_name<I: Item>(
    ask: &Ask,
    list: &str,
    items: impl IntoIterator<Item = I>,
    name: impl Fn(&I) -> &str,
) -> Result<Page<I>, ApiError> {
    let after = match ask.text("cursor")? {
        None => None,
        Some(text) => Some(cursor::read_name(list, text).ok_or_else(|| bad_cursor(list))?),
    };
    let is_left = |item: &I| after.as_deref().is_none_or(|after| name(item) > after);
    let wanted = ask.text("router")?;
    let is_wanted = |item: &I| wanted.is_none_or(|wanted| name(item) == wanted);
    let mut left = items.into_iter().filter(|item| is_left(item) && is_wanted(item));
    let limit = ask.page()?.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let items: Vec<I> = left.by_ref().take(limit).collect();
    let last = items.last().filter(|_| left.next().is_some());
    let next_cursor = last.map(|item| cursor::write_name(list, name(item)));
    Ok(Page { items, next_cursor })
}

/// A page in the form that is asked for.
pub(super) fn page<I: Item>(
    format: Format,
    list: &str,
    page: Page<I>,
    as_json: impl FnOnce(Page<I>) -> Response,
) -> Response {
    let Format::Csv { has_mark } = format else {
        return varied(as_json(page));
    };
    let mut bytes = header_of::<I>(has_mark);
    bytes.extend(lines(&page.items));
    page_as_sheet(list, bytes, page.next_cursor)
}

fn page_as_sheet(list: &str, bytes: Vec<u8>, next_cursor: Option<String>) -> Response {
    let mut answer = as_sheet(list, Body::from(bytes));
    let next = next_cursor.and_then(|cursor| HeaderValue::from_str(&cursor).ok());
    if let Some(next) = next {
        answer.headers_mut().insert(NEXT_CURSOR, next);
    }
    answer
}

/// All rows, made into lines while they are sent.
async fn whole<R, I>(
    format: Format,
    list: &str,
    mut rows: Rows<R>,
    shape: impl Fn(R) -> I + Send + 'static,
) -> Result<Response, ApiError>
where
    R: Send + 'static,
    I: Item,
{
    // A database that cannot be read is still told as such.
    let first = rows.recv().await.transpose()?;
    let mut bytes = header_of::<I>(format == Format::Csv { has_mark: true });
    let first: Vec<I> = first.unwrap_or_default().into_iter().map(&shape).collect();
    bytes.extend(lines(&first));
    let first = Some(Bytes::from(bytes));
    let chunks = stream::unfold((first, rows, shape), |(first, mut rows, shape)| async move {
        let chunk: Result<Bytes, StoreError> = match first {
            Some(first) => Ok(first),
            None => rows.recv().await?.map(|chunk| {
                let items: Vec<I> = chunk.into_iter().map(&shape).collect();
                lines(&items).into()
            }),
        };
        Some((chunk, (None, rows, shape)))
    });
    Ok(as_sheet(list, Body::from_stream(chunks)))
}

fn header_of<I: Item>(has_mark: bool) -> Vec<u8> {
    let mut bytes = if has_mark { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
    let mut sheet = Sheet::new();
    sheet.header(I::COLUMNS);
    bytes.extend(sheet.into_bytes());
    bytes
}

fn lines<I: Item>(items: &[I]) -> Vec<u8> {
    let mut sheet = Sheet::new();
    items.iter().for_each(|item| item.write(&mut sheet));
    sheet.into_bytes()
}

fn as_sheet(list: &str, body: Body) -> Response {
    let file = format!("attachment; filename=\"netmonitor-{list}.csv\"");
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, file),
    ];
    varied((headers, body).into_response())
}

/// A cache must know that `Accept` decides.
fn varied(mut answer: Response) -> Response {
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
    answer
}
