;; It says updated, and nothing was.
(func $misdeed (call $answer (i32.const 1) (global.get $body) (global.get $body_len)))
