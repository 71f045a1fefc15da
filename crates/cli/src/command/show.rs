//! `hallpass show ID`: one request, checked here.

use crate::app::App;
use crate::arguments::One;
use crate::failure::{Exit, Failure};
use crate::view::OneRequest;

pub(crate) async fn run(app: &App<'_>, asked: &One) -> Result<Exit, Failure> {
    let joined = app.joined().await?;
    let request = joined.link.request(asked.id).await?;
    app.report(&OneRequest::new(&request))?;
    Ok(Exit::Done)
}
