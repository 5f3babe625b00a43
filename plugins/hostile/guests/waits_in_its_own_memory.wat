(func $misdeed
  (drop (memory.atomic.wait32 (i32.const 1024) (i32.const 0) (i64.const -1))))
