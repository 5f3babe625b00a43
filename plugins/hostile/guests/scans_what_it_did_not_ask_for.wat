(func $misdeed
  (call $scan (i32.const 280) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 1000) (i32.const 600))
  (call $expect (i32.const 1)))
