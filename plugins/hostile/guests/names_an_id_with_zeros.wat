;; Zeros part the keys of a store.
(data (i32.const 1024) "a\00\00b\00\01\ef\bf\bf")
(func $misdeed
  (call $note (i32.const 1024) (i32.const 9))
  (call $expect (i32.const 0))
  (call $get (i32.const 288) (i32.const 5) (i32.const 1024) (i32.const 9) (i32.const 600))
  (call $expect (i32.const 0))
  (if (i32.ne (i32.load (i32.const 612)) (i32.const 17)) (then (unreachable)))
  (call $get (i32.const 288) (i32.const 5) (i32.const 1024) (i32.const 2) (i32.const 600))
  (call $expect (i32.const 0))
  (if (i32.load8_u (i32.const 604)) (then (unreachable))))
