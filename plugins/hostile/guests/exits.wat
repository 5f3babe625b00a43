;; world: exit
(import "wasi:cli/exit@0.2.0" "exit" (func $foreign (param i32)))
(func $misdeed (call $foreign (i32.const 0)))
