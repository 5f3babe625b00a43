(data (i32.const 1024) "others")
(func $misdeed
  (call $put (i32.const 1024) (i32.const 6) (i32.const 1024) (i32.const 6)
    (i32.const 320) (i32.const 17) (i32.const 600))
  (call $expect (i32.const 1)))
