//! Code runs as in a notebook.

use std::{
    io::{Read, Write},
    time::Duration,
};

use cupola_interpreter::Ended;

use crate::place::{KEPT, Python};
use tokio::time::sleep;

#[tokio::test]
async fn the_value_of_the_last_line_is_shown() {
    let mut python = Python::new().await;
    assert_eq!(python.says("1 + 1").await, "2\n");
    assert_eq!(python.says("print('a')\n'b'").await, "a\n'b'\n");
    assert_eq!(python.says("x = 1").await, "");
    assert_eq!(python.says("None").await, "");
    assert_eq!(python.says("").await, "");
    assert_eq!(python.says("_").await, "'b'\n");
    let table = python.says("import pandas as pd\npd.DataFrame({'a': [1, 2]})").await;
    assert_eq!(table, "   a\n0  1\n1  2\n");
}

#[tokio::test]
async fn variables_modules_and_files_stay() {
    let mut python = Python::new().await;
    python
        .says("import numpy as np\ndef double(x): return 2 * x\nopen('own.py', 'w').write('name = 7')")
        .await;
    assert_eq!(python.says("import own\nprint(double(np.int64(21)), own.name)").await, "42 7\n");
    assert_eq!(python.files(), ["own.py"]);
}

#[tokio::test]
async fn an_exception_is_told_with_its_place_in_the_code() {
    let mut python = Python::new().await;
    let ran = python.run("def fail():\n    return 1 / 0\n\nfail()").await;
    assert_eq!(ran.ended, Ended::Raised);
    let expected =
        "Traceback (most recent call last):\n  File \"<code 1>\", line 4, in <module>\n    fail()\n";
    assert!(ran.logs.starts_with(expected), "{}", ran.logs);
    assert!(ran.logs.ends_with("ZeroDivisionError: division by zero\n") && !ran.logs.contains("kernel.py"));
    let ran = python.run("this is no python").await;
    assert!(ran.logs.contains("SyntaxError") && !ran.logs.contains("kernel.py"), "{}", ran.logs);
    assert_eq!(python.says("1").await, "1\n");
}

#[tokio::test]
async fn what_programs_write_stands_in_order_with_what_python_writes() {
    let mut python = Python::new().await;
    let code = "import os, subprocess, sys\nprint('one')\nos.system('echo two')\n\
                print('three', file=sys.stderr)\nsubprocess.run(['sh', '-c', 'echo four >&2'])\nprint('five')";
    assert_eq!(python.says(code).await, "one\ntwo\nthree\nfour\nfive\n");
}

#[tokio::test]
async fn figures_become_files_whether_they_are_shown_or_not() {
    let mut python = Python::new().await;
    let plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n";
    let ran = python.run(plot).await;
    assert_eq!(
        (ran.ended, ran.figures.join(" ").as_str()),
        (Ended::Completed, "figure-1.png"),
        "{}",
        ran.logs
    );
    let ran = python.run(&format!("{plot}plt.show()\n{plot}plt.show()\nplt.savefig('own.png')")).await;
    assert_eq!(ran.figures, ["figure-2.png", "figure-3.png", "figure-4.png"]);
    let mut magic = [0; 8];
    python.interpreter.folder().read("figure-1.png").unwrap().read_exact(&mut magic).unwrap();
    assert_eq!(&magic, b"\x89PNG\r\n\x1a\n");
    let ran = python.run("from PIL import Image\nImage.new('RGB', (4, 4))").await;
    assert_eq!((ran.figures.len(), ran.logs.as_str()), (1, ""));
    assert_eq!(python.run("1").await.figures, [""; 0]);
}

#[tokio::test]
async fn files_that_are_put_there_can_be_read_and_changed() {
    let mut python = Python::new().await;
    python.interpreter.folder().create("in/table.csv").unwrap().write_all(b"a,b\n1,2\n").unwrap();
    let code = "import pandas as pd\ntable = pd.read_csv('/mnt/data/in/table.csv')\ntable['c'] = 3\n\
                table.to_csv('/mnt/data/in/table.csv', index=False)\ntable.to_excel('out.xlsx')";
    python.says(code).await;
    let mut text = String::new();
    python.interpreter.folder().read("in/table.csv").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "a,b,c\n1,2,3\n");
    assert_eq!(python.files(), ["in/table.csv", "out.xlsx"]);
}

#[tokio::test]
async fn waiting_code_may_be_written_with_await() {
    let mut python = Python::new().await;
    let code = "import asyncio\nasync def later():\n    await asyncio.sleep(0)\n    return 5\nawait later()";
    assert_eq!(python.says(code).await, "5\n");
}

#[tokio::test]
async fn code_that_takes_too_long_is_stopped_and_keeps_its_variables() {
    let mut python = Python::new().await;
    let code = "x = 1\nprint('begun')\nwhile True:\n    x += 1";
    let ran = python.interpreter.run(code, sleep(Duration::from_millis(300)), KEPT).await;
    assert_eq!(ran.ended, Ended::Interrupted);
    assert!(ran.logs.starts_with("begun\n") && ran.logs.ends_with("KeyboardInterrupt\n"), "{}", ran.logs);
    assert_eq!(python.says("x > 1").await, "True\n");
}

#[tokio::test]
async fn code_may_ask_to_exit_without_ending_the_interpreter() {
    let mut python = Python::new().await;
    assert_eq!(python.says("x = 3\nexit()").await, "");
    let ran = python.run("import sys\nsys.exit('no data')").await;
    assert_eq!((ran.ended, ran.logs.as_str()), (Ended::Raised, "SystemExit: no data\n"));
    assert_eq!(python.says("x").await, "3\n");
}
