(func $misdeed
  (call $misdeed)
  (global.set $armed (i32.const 1)))
