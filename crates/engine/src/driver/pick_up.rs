//! How a driver comes to a turn that nobody drives, and how it leaves one.

use super::*;

/// Goes on with a turn that nobody drives.
pub async fn pick_up(inner: Arc<Inner>, key: TurnKey, mailbox: mpsc::UnboundedReceiver<Command>) {
    if let Some((driver, action)) = ready(inner, key, mailbox).await {
        driver.run(action).await;
    }
}

/// A driver for a turn that nobody drives, in its place in line, and what it has to do first.
pub async fn ready(
    inner: Arc<Inner>,
    key: TurnKey,
    mut mailbox: mpsc::UnboundedReceiver<Command>,
) -> Option<(Driver, Action)> {
    match load(&inner, &key).await {
        Ok(Some((course, action))) => {
            let line = course.spec.line.clone().filter(|_| action != Action::Rest);
            let place = line.map(|line| inner.lines.stand(line));
            let mut driver = Driver::new(inner, key, course, mailbox);
            driver.stand(place);
            return Some((driver, action));
        }
        Ok(None) => refuse_all(&inner, &key, &mut mailbox, || CommandError::Unknown),
        Err(LoadError::Store(error)) => {
            tracing::error!(turn = %key, %error, "a turn could not be read; trying again");
            refuse_all(&inner, &key, &mut mailbox, || CommandError::Store(error.clone()));
            inner.send_later(key, Command::Resume, LONGEST_PAUSE);
        }
        Err(LoadError::Damaged(what)) => {
            tracing::error!(turn = %key, %what, "a turn is damaged; it stays where it is");
            let error = StoreError::Backend(format!("the turn {key} is damaged: {what}"));
            refuse_all(&inner, &key, &mut mailbox, || CommandError::Store(error.clone()));
        }
    }
    None
}

/// Why a turn could not be taken up.
enum LoadError {
    /// The store failed; another time it may not.
    Store(StoreError),
    /// What is stored makes no sense.
    Damaged(String),
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Ends a turn whose driver panicked.
pub async fn fail_after_panic(inner: Arc<Inner>, key: TurnKey) {
    let mailbox = inner.register(&key);
    if let Ok(Some((course, _))) = load(&inner, &key).await {
        let mut driver = Driver::new(inner, key, course, mailbox);
        let message = "The service failed while it drove this turn. Its log says more.".to_owned();
        let fault = TurnFault { code: "server_error".to_owned(), message };
        let event = match driver.turn.phase {
            Phase::Calling { .. } | Phase::Running { .. } => {
                Event::ModelFailed { fault, partial: Answer::default() }
            }
            Phase::Stopping => Event::Stopped { partial: Answer::default() },
            Phase::New | Phase::Asking { .. } | Phase::Waiting { .. } | Phase::Ended(_) => {
                return driver.leave(&Leave::Gone);
            }
        };
        match driver.record(event).await {
            Ok(action) => driver.run(action).await,
            Err(leave) => driver.leave(&leave),
        }
    }
}

/// Ends a driver, and refuses what it was still asked for.
pub fn refuse_all(
    inner: &Inner,
    key: &TurnKey,
    mailbox: &mut mpsc::UnboundedReceiver<Command>,
    error: impl Fn() -> CommandError,
) {
    while let Some(command) = inner.retire(key, mailbox) {
        match command {
            Command::Submit { reply, .. } | Command::Cancel { reply } => {
                let _ = reply.send(Err(error()));
            }
            Command::Attach { reply, .. } => {
                let _ = reply.send(Err(error()));
            }
            Command::Resume | Command::CheckDeadline => {}
        }
    }
}

async fn load(inner: &Inner, key: &TurnKey) -> Result<Option<(Course, Action)>, LoadError> {
    let Some(record) = inner.store.turn(key).await? else {
        return Ok(None);
    };
    let Some(dialect) = inner.dialects.get(record.dialect.as_str()) else {
        return Err(LoadError::Damaged(format!("no dialect '{}' is served here", record.dialect)));
    };
    let Some(resumed) = dialect.resume(key).await? else {
        return Ok(None);
    };
    let events = record
        .journal
        .iter()
        .map(|entry| {
            serde_json::from_slice::<Event>(&entry.entry).map_err(|e| LoadError::Damaged(e.to_string()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut projection = resumed.projection;
    let mut entries = record.journal.iter();
    let recall = |event, turn: &Turn| {
        let at = entries.next().map_or(0, |entry| entry.at);
        projection.recall(at, event, turn);
    };
    let (turn, action) =
        Turn::replay(&events, recall).map_err(|refusal| LoadError::Damaged(format!("{refusal:?}")))?;
    let course = Course {
        dialect: Arc::clone(dialect),
        spec: resumed.spec,
        projection,
        cut_short: matches!(turn.phase, Phase::Running { .. }),
        turn,
        position: events.len() as i64,
        kept: resumed.kept,
    };
    Ok(Some((course, action)))
}
