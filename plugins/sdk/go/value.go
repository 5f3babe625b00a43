package godwit

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
)

// Number is a JSON number as it is spelt: 1.10, 1e400, 9007199254740993.
type Number string

// Int64 is the number as an integer, if it is one of 64 bits.
func (n Number) Int64() (int64, error) {
	return strconv.ParseInt(string(n), 10, 64)
}

// Float64 is the float nearest to the number.
func (n Number) Float64() (float64, error) {
	return strconv.ParseFloat(string(n), 64)
}

// Object is a JSON object whose members keep their order. The zero value is an empty one; a nil *Object can be read
// like an empty one.
type Object struct {
	members []member
	// places tells where each member is, once there are many; it is made when it is needed.
	places map[string]int
}

type member struct {
	name  string
	value any
}

// manyMembers is where a map becomes faster than looking through the members.
const manyMembers = 16

func (o *Object) find(name string) int {
	if o == nil {
		return -1
	}
	if len(o.members) < manyMembers {
		return slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
	}
	if o.places == nil {
		o.places = make(map[string]int, len(o.members))
		for i, m := range o.members {
			o.places[m.name] = i
		}
	}
	if i, ok := o.places[name]; ok {
		return i
	}
	return -1
}

// Len is how many members there are.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.members)
}

// Has tells whether there is a member of that name.
func (o *Object) Has(name string) bool {
	return o.find(name) >= 0
}

// Get is the value of a member; nil where there is none, and for null.
func (o *Object) Get(name string) any {
	if i := o.find(name); i >= 0 {
		return o.members[i].value
	}
	return nil
}

// Set gives a member a value, in its place or as the last one. It returns the object, so that calls can be chained.
func (o *Object) Set(name string, value any) *Object {
	if i := o.find(name); i >= 0 {
		o.members[i].value = value
		return o
	}
	if o.places != nil {
		o.places[name] = len(o.members)
	}
	o.members = append(o.members, member{name, value})
	return o
}

// Rename gives a member another name in the same place, and tells whether there is such a member. Another member of the
// new name is deleted.
func (o *Object) Rename(name, to string) bool {
	if !o.Has(name) {
		return false
	}
	if name != to {
		o.Delete(to)
		o.members[o.find(name)].name = to
		o.places = nil
	}
	return true
}

// Delete deletes a member, if there is one; the others keep their order.
func (o *Object) Delete(name string) {
	if i := o.find(name); i >= 0 {
		o.members = slices.Delete(o.members, i, i+1)
		o.places = nil
	}
}

// All goes over the members in their order. The values of members may be set meanwhile.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i := range o.Len() {
			if !yield(o.members[i].name, o.members[i].value) {
				return
			}
		}
	}
}

// MarshalJSON lets an object be a part of a type of your own.
func (o *Object) MarshalJSON() ([]byte, error) {
	return appendValue(nil, o)
}

// UnmarshalJSON lets an object be a part of a type of your own.
func (o *Object) UnmarshalJSON(text []byte) error {
	value, err := parse(text)
	if err != nil {
		return err
	}
	object, ok := value.(*Object)
	if !ok {
		return errors.New("not an object")
	}
	*o = *object
	return nil
}

// parse makes a value of JSON text.
func parse(text []byte) (any, error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(text))
	value, err := parseNext(decoder)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.ReadToken(); err != io.EOF {
		return nil, errors.New("something follows the value")
	}
	return value, nil
}

func parseNext(decoder *jsontext.Decoder) (any, error) {
	token, err := decoder.ReadToken()
	if err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case jsontext.KindNull:
		return nil, nil
	case jsontext.KindTrue:
		return true, nil
	case jsontext.KindFalse:
		return false, nil
	case jsontext.KindString:
		return token.String(), nil
	case jsontext.KindNumber:
		return Number(token.String()), nil
	case jsontext.KindBeginArray:
		return parseArray(decoder)
	default:
		return parseObject(decoder)
	}
}

func parseArray(decoder *jsontext.Decoder) (any, error) {
	array := []any{}
	for decoder.PeekKind() != jsontext.KindEndArray {
		value, err := parseNext(decoder)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	_, err := decoder.ReadToken()
	return array, err
}

func parseObject(decoder *jsontext.Decoder) (any, error) {
	object := &Object{}
	for decoder.PeekKind() != jsontext.KindEndObject {
		token, err := decoder.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String() // the token does not outlive the next one
		value, err := parseNext(decoder)
		if err != nil {
			return nil, err
		}
		object.members = append(object.members, member{name, value})
	}
	_, err := decoder.ReadToken()
	return object, err
}

// appendValue prints a value, without spaces.
func appendValue(text []byte, value any) ([]byte, error) {
	switch value := value.(type) {
	case nil:
		return append(text, "null"...), nil
	case bool:
		return strconv.AppendBool(text, value), nil
	case string:
		return jsontext.AppendQuote(text, value)
	case Number:
		return append(text, value...), nil
	case *Object:
		return appendObject(text, value)
	case []any:
		return appendArray(text, value)
	case jsontext.Value:
		return append(text, value...), nil
	case int:
		return strconv.AppendInt(text, int64(value), 10), nil
	case int32:
		return strconv.AppendInt(text, int64(value), 10), nil
	case int64:
		return strconv.AppendInt(text, value, 10), nil
	case uint32:
		return strconv.AppendUint(text, uint64(value), 10), nil
	case uint64:
		return strconv.AppendUint(text, value, 10), nil
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return text, fmt.Errorf("%v is no JSON number", value)
		}
		return append(text, jsontext.Float(value).String()...), nil
	default:
		return text, fmt.Errorf("a %T is no JSON value; print it with encoding/json first", value)
	}
}

func appendObject(text []byte, object *Object) ([]byte, error) {
	text = append(text, '{')
	for name, value := range object.All() {
		var err error
		if text, err = jsontext.AppendQuote(text, name); err != nil {
			return text, err
		}
		if text, err = appendValue(append(text, ':'), value); err != nil {
			return text, err
		}
		text = append(text, ',')
	}
	return closed(text, '}'), nil
}

func appendArray(text []byte, array []any) ([]byte, error) {
	text = append(text, '[')
	for _, value := range array {
		var err error
		if text, err = appendValue(text, value); err != nil {
			return text, err
		}
		text = append(text, ',')
	}
	return closed(text, ']'), nil
}

// closed puts the closing bracket in the place of the last comma, if there is one.
func closed(text []byte, bracket byte) []byte {
	if last := len(text) - 1; text[last] == ',' {
		text[last] = bracket
		return text
	}
	return append(text, bracket)
}
