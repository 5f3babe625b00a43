;; The step asks to write items; the item that is migrated is changed by its outcome only.
(data $writes (i32.const 496) "\18\01\00\00\05\00\00\00")
(func $misdeed
  (call $put (i32.const 280) (i32.const 5) (global.get $id) (global.get $id_len)
    (i32.const 320) (i32.const 17) (i32.const 600))
  (call $expect (i32.const 3))
  (call $delete (i32.const 280) (i32.const 5) (global.get $id) (global.get $id_len) (i32.const 600))
  (call $expect (i32.const 3)))
