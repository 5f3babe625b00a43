(data (i32.const 1024) "\ff\fe")
(func $misdeed (call $note (i32.const 1024) (i32.const 2)))
