package site

import (
	"reflect"
	"strings"
)

// field is a pointer to the field of a key that is known.
func (s *Site) field(name string) any {
	v := reflect.ValueOf(s).Elem()
	for part := range strings.SplitSeq(name, ".") {
		v = v.Field(fieldNamed(v.Type(), part))
	}
	return v.Addr().Interface()
}

// fieldNamed is the number of the field that a name of the file stands for.
func fieldNamed(t reflect.Type, name string) int {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("toml") == name {
			return i
		}
	}
	panic("internal error: no field is named " + name)
}

// Tables are the names of all tables, in the order of the file.
func Tables() []string {
	var names []string
	t := reflect.TypeFor[Site]()
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("toml")
		if kind := t.Field(i).Type.Kind(); name != "-" && (kind == reflect.Struct || kind == reflect.Map) {
			names = append(names, name)
		}
	}
	return names
}
