(data (i32.const 1024) "others")
(data (i32.const 1040) "no access")
(func $misdeed
  (call $put (i32.const 1024) (i32.const 6) (i32.const 1024) (i32.const 6)
    (i32.const 320) (i32.const 17) (i32.const 600))
  (call $answer (i32.const 3) (i32.const 1040) (i32.const 9)))
