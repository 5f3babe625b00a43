(func $misdeed
  (call $get (i32.const 288) (i32.const 5) (i32.const 288) (i32.const 5) (i32.const -8)))
