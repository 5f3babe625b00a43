;; layout: text
(func $misdeed (call $answer (i32.const 255) (i32.const 0) (i32.const 0)))
