//! What a program writes, line by line.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};

use crate::{LogBook, LogStream};

/// What is longer is taken in pieces.
const LONGEST: u64 = 16 * 1024;

/// Brings lines into the log until the program closes its end.
pub(super) async fn follow(output: impl AsyncRead + Unpin, stream: LogStream, logs: Arc<LogBook>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut output).take(LONGEST).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => logs.add(stream, &line),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_in_order_and_none_is_without_end() {
        let logs = Arc::new(LogBook::default());
        let mut output = b"first\n\nlast".to_vec();
        output.splice(0..0, vec![b'x'; usize::try_from(LONGEST).unwrap() + 1]);
        follow(output.as_slice(), LogStream::Stdout, Arc::clone(&logs)).await;
        let lengths: Vec<usize> = logs.since(0).iter().map(|line| line.text.len()).collect();
        // The log cuts what is too long and marks that.
        assert_eq!(lengths, [8 * 1024 + "…".len(), "xfirst".len(), 0, "last".len()]);
    }
}
