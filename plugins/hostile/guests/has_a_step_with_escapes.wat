(data $step (i32.const 272) "\1b[31m")
