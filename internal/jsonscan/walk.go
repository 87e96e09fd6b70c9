package jsonscan

// Object calls yield for each member of the object at i: its key as text and
// the bytes of its value. It returns the offset after the object. yield returns
// false to stop early; the offset is then the end of that value.
func Object(doc []byte, i, maxDepth int, yield func(key string, value []byte) bool) (int, error) {
	if i >= len(doc) || doc[i] != '{' {
		return i, syntax(doc, i, "an object")
	}
	i = Space(doc, i+1)
	if i < len(doc) && doc[i] == '}' {
		return i + 1, nil
	}
	for {
		key, val, err := Key(doc, i)
		if err != nil {
			return val, err
		}
		if i, err = Skip(doc, val, maxDepth-1); err != nil {
			return i, err
		}
		if !yield(Text(key), doc[val:i]) {
			return i, nil
		}
		var more bool
		if i, more, err = Next(doc, i, '}'); err != nil || !more {
			return i, err
		}
	}
}

// Array calls yield for the bytes of each element of the array at i; see
// Object.
func Array(doc []byte, i, maxDepth int, yield func(value []byte) bool) (int, error) {
	if i >= len(doc) || doc[i] != '[' {
		return i, syntax(doc, i, "an array")
	}
	i = Space(doc, i+1)
	if i < len(doc) && doc[i] == ']' {
		return i + 1, nil
	}
	for {
		val := i
		var err error
		if i, err = Skip(doc, val, maxDepth-1); err != nil {
			return i, err
		}
		if !yield(doc[val:i]) {
			return i, nil
		}
		var more bool
		if i, more, err = Next(doc, i, ']'); err != nil || !more {
			return i, err
		}
	}
}

// Kind is the type of a value.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Composite // an object or an array
)

// KindOf returns the kind of a value by its first byte.
func KindOf(value []byte) Kind {
	if len(value) == 0 {
		return Null
	}
	switch value[0] {
	case '"':
		return String
	case '{', '[':
		return Composite
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	}
	return Number
}

// Scalar returns the text of a string, number or boolean as Splunk displays it.
func Scalar(value []byte) string {
	if value[0] == '"' {
		return Text(value)
	}
	return alias(value)
}
