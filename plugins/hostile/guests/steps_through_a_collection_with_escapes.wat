(data $items (i32.const 280) "\1b[31m")
