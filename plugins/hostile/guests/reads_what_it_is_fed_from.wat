;; Without having asked for it.
(func $misdeed
  (call $get (i32.const 280) (i32.const 5) (global.get $id) (global.get $id_len) (i32.const 600))
  (call $expect (i32.const 1)))
