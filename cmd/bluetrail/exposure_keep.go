package main

import (
	"context"
	"log/slog"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/event"
	"bluetrail/internal/exposure"
	"bluetrail/internal/search"
	"bluetrail/internal/serve"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// exposureOf keeps what is open to the internet, as the events of a data directory tell.
func exposureOf(db *state.DB, open func() (search.Options, error)) *exposure.Keeper {
	return &exposure.Keeper{
		Arrived: func() (int64, error) {
			c, err := db.Checkpoint()
			return c.Batch, err
		},
		Read: func(ctx context.Context, text string, after, upto int64, add func([]byte)) error {
			o, err := open()
			if err != nil {
				return err
			}
			o.Text, o.Unwatched, o.Time, o.Arrived = text, true, 0, store.Arrival{After: after, Upto: upto}
			s, _, err := search.Open(ctx, o)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.Each(ctx, func(b *vector.Batch) error {
				for i := range b.Len {
					add([]byte(b.At(event.Raw, i).Text()))
				}
				return nil
			})
		},
	}
}

// openingCalls are the calls whose alerts say what they opened.
var openingCalls = map[string]bool{"AuthorizeSecurityGroupIngress": true, "ModifySecurityGroupRules": true, "CreateNetworkAclEntry": true, "ReplaceNetworkAclEntry": true}

// openingNotes returns what alerts say of what their events opened.
func openingNotes(k *exposure.Keeper, log *slog.Logger) func(context.Context, *alert.Alert) []string {
	return func(ctx context.Context, x *alert.Alert) []string {
		opens := false
		for _, name := range x.EventName {
			opens = opens || openingCalls[name]
		}
		if !opens {
			return nil
		}
		list, err := k.Known(ctx)
		if err != nil {
			if ctx.Err() == nil {
				log.Warn("cannot tell what is open to the internet", "err", err)
			}
			return nil
		}
		return exposure.Notes(list, x.EventIDs)
	}
}

// exposureEvery is how often the lookup of what is open is brought up to date.
const exposureEvery = time.Minute

// exposure returns the part of a server that writes what is open to the internet into a
// lookup, for searches.
func (s *server) exposure(in *app) serve.Part {
	return serve.Part{Name: "exposure", Run: func(ctx context.Context) error {
		for {
			if err := s.writeExposure(ctx, in); err != nil && ctx.Err() == nil {
				s.log.Warn("cannot write what is open to the internet", serve.KeyErr, err)
			}
			select {
			case <-time.After(exposureEvery):
			case <-ctx.Done():
				return nil
			}
		}
	}}
}

func (s *server) writeExposure(ctx context.Context, in *app) error {
	list, changed, err := s.exposed.Openings(ctx)
	if err != nil || !changed {
		return err
	}
	k, err := in.keeping(s.data, nil)
	if err != nil {
		return err
	}
	return k.WriteTable(ctx, exposure.LookupName, exposure.Lookup(list))
}
