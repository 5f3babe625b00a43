;; With the characters that turn text around, and one of no width.
(data (i32.const 1024) "safe \e2\80\aeetirw\e2\80\8b")
(func $misdeed (call $answer (i32.const 3) (i32.const 1024) (i32.const 16)))
