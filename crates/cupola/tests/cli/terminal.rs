//! `cupola chat` and `cupola agents run` at a terminal, as a person sees them.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    process::{Child, ExitStatus, Stdio},
};

use rustix::{
    fs::{Mode, OFlags},
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

use crate::home::Home;

const SCRIPT: &str = "\
    rules:\n\
    - when: {user: weather, tools: [get_weather]}\n  \
      then: {call: {name: get_weather, arguments: {city: Oslo}}}\n\
    - {when: {tool_output: {name: get_weather}}, then: {say: 'It is {{tool_output}}.'}}\n\
    - when: {user: story}\n  \
      then: {say: once upon a time there was a sea, delay: {first: 1ms, between: 1h}}\n\
    otherwise: {say: 'You said: {{user}}'}\n";

const TOOL: &str = r#"{"type": "function", "name": "get_weather", "description": "The weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}, "strict": false}"#;

/// A command at a terminal.
struct Terminal {
    child: Child,
    screen: File,
    /// What was shown and not looked at yet.
    shown: String,
}

impl Terminal {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap();
        let inside: File =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap().into();
        let mut command = home.command(arguments);
        command.stdin(inside.try_clone().unwrap()).stdout(inside.try_clone().unwrap()).stderr(inside);
        // Without colours what is shown is easier to compare.
        let child = command.env("NO_COLOR", "1").env("TERM", "xterm").spawn().unwrap();
        Self { child, screen: screen.into(), shown: String::new() }
    }

    /// Reads until this is shown, and gives everything up to its end.
    fn until(&mut self, expected: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.shown.find(expected) {
                let rest = self.shown.split_off(at + expected.len());
                return std::mem::replace(&mut self.shown, rest);
            }
            let read = self.screen.read(&mut buffer).unwrap_or_default();
            assert_ne!(read, 0, "{expected:?} was not shown after {:?}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&buffer[..read]).replace("\r\n", "\n"));
        }
    }

    fn types(&mut self, line: &str) {
        self.screen.write_all(line.as_bytes()).unwrap();
    }

    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    fn end(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

fn home() -> Home {
    let home = Home::new();
    home.script(SCRIPT);
    home.file("weather.json", TOOL);
    home
}

#[test]
fn the_person_is_asked_for_what_a_function_returns() {
    let home = home();
    let _server = home.serve();
    home.output_of(&["agents", "create", "helper", "--model", "chat", "--tool-file", "weather.json"]);
    let mut terminal = Terminal::start(&home, &["chat", "helper"]);
    terminal.until("Talking with helper");
    terminal.until("you › ");
    terminal.types("How is the weather?\n");
    terminal.until("calls get_weather({\"city\":\"Oslo\"})\n");
    terminal.until("what get_weather returns › ");
    terminal.types("rainy\n");
    terminal.until("helper › It is rainy.\n");
    terminal.until("you › ");
    terminal.types("/quit\n");
    terminal.until("Go on later: cupola chat helper --conversation conv_");
    assert!(terminal.end().success());

    let mut terminal = Terminal::start(&home, &["agents", "run", "helper", "weather"]);
    terminal.until("what get_weather returns › ");
    terminal.types("dry\n");
    terminal.until("It is dry.\n");
    assert!(terminal.end().success());
}

#[test]
fn ctrl_c_stops_the_answer_and_the_talk_goes_on() {
    let home = home();
    let _server = home.serve();
    let mut terminal = Terminal::start(&home, &["chat", "--model", "chat"]);
    terminal.until("you › ");
    terminal.types("Tell me a story.\n");
    terminal.until("chat › once");
    terminal.interrupt();
    terminal.until("(stopped)\n");
    terminal.until("you › ");
    terminal.types("And now?\n");
    terminal.until("chat › You said: And now?\n");
    terminal.until("you › ");
    terminal.interrupt();
    terminal.until("To leave: /quit, or Ctrl-C once more\n");
    terminal.until("you › ");
    terminal.interrupt();
    assert!(terminal.end().success());
}

#[test]
fn ctrl_c_ends_a_talk_that_waits_for_a_program() {
    let home = home();
    let _server = home.serve();
    let mut command = home.command(&["chat", "--model", "chat"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"one\n").unwrap();
    let mut answer = [0; 14];
    child.stdout.as_mut().unwrap().read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"You said: one\n");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn an_earlier_conversation_is_recalled_and_a_new_one_can_be_begun() {
    let home = home();
    let _server = home.serve();
    home.run_with_input(&["chat", "--model", "chat"], "one\n");
    let id = home.json_of(&["conversations", "list"])[0]["id"].as_str().unwrap().to_owned();
    let mut terminal = Terminal::start(&home, &["chat", "--model", "chat", "--conversation", &id]);
    terminal.until("user          one\nagent         You said: one\n");
    terminal.until("you › ");
    terminal.types("/nonsense\n");
    terminal.until("There is no /nonsense. Commands:\n");
    terminal.until("you › ");
    terminal.types("/new\n");
    terminal.until("you › ");
    terminal.types("two\n");
    terminal.until("chat › You said: two\n");
    terminal.until("you › ");
    // Ctrl-D
    terminal.types("\u{4}");
    terminal.until("Go on later: cupola chat --model chat --conversation conv_");
    assert!(terminal.end().success());
    assert_eq!(home.json_of(&["conversations", "list"]).as_array().unwrap().len(), 2);
}
