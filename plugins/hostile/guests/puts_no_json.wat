(func $misdeed
  (call $put (i32.const 288) (i32.const 5) (i32.const 288) (i32.const 5)
    (i32.const 256) (i32.const 7) (i32.const 600))
  (call $expect (i32.const 3)))
