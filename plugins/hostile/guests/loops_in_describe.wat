(func $describe (result i32)
  (loop $ever (br $ever))
  (i32.const 400))
