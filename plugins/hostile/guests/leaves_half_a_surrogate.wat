;; Grammatically JSON; no text says it.
(data (i32.const 1024) "\"\\ud800\"")
(func $misdeed (call $answer (i32.const 1) (i32.const 1024) (i32.const 8)))
