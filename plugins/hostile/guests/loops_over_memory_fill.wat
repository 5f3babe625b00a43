(memory $memory (export "memory") 300)
(func $misdeed
  (loop $ever
    (memory.fill (i32.const 1048576) (i32.const 1) (i32.const 16777216))
    (br $ever)))
