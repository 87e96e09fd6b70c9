package digest

import (
	"context"
	"io"
)

// Join returns the objects of several places as one.
func Join(list []Objects) Objects {
	if len(list) == 1 {
		return list[0]
	}
	return joined(list)
}

type joined []Objects

// List implements Objects.
func (j joined) List(ctx context.Context, each func(Object) error, skip func(string, error)) error {
	for i, one := range j {
		err := one.List(ctx, func(o Object) error {
			o.of = i
			return each(o)
		}, skip)
		if err != nil {
			return err
		}
	}
	return nil
}

// Open implements Objects.
func (j joined) Open(ctx context.Context, o *Object) (io.ReadCloser, error) {
	return j[o.of].Open(ctx, o)
}

// Meta implements Objects.
func (j joined) Meta(ctx context.Context, o *Object) (Meta, error) { return j[o.of].Meta(ctx, o) }
