;; 6 MiB at once.
(func $misdeed
  (call $answer (i32.const 1) (call $alloc (i32.const 6291456) (i32.const 1)) (i32.const 6291456)))
