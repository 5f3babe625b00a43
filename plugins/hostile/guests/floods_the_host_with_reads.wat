(func $misdeed
  (loop $ever
    (global.set $heap (i32.const 131072))
    (call $get (i32.const 288) (i32.const 5) (i32.const 288) (i32.const 5) (i32.const 600))
    (br $ever)))
