package exposure

import (
	"context"
	"sync"
	"time"

	"bluetrail/internal/lookup"
)

// Keeper keeps a model up to date with a store: each time it reads only what has arrived
// since. It is safe for concurrent use.
type Keeper struct {
	// Arrived returns the last batch that Read sees.
	Arrived func() (int64, error)
	// Read passes on the records of a search among the batches after one, up to another.
	Read func(ctx context.Context, search string, after, upto int64, add func(raw []byte)) error

	mu       sync.Mutex
	model    *Model
	upto     int64
	openings []Opening
	unjudged bool // openings is not up to date
	untold   bool // they changed since Openings was called last
}

// Openings returns the openings that are known now. changed reports whether anything has
// come since the last call. The list must not be changed.
func (k *Keeper) Openings(ctx context.Context) (list []Opening, changed bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if list, err = k.judged(ctx); err != nil {
		return nil, false, err
	}
	changed, k.untold = k.untold, false
	return list, changed, nil
}

// Known returns the openings that are known now, without a bearing on what Openings says
// has changed. The list must not be changed.
func (k *Keeper) Known(ctx context.Context) ([]Opening, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.judged(ctx)
}

func (k *Keeper) judged(ctx context.Context) ([]Opening, error) {
	if err := k.read(ctx); err != nil {
		return nil, err
	}
	if k.unjudged {
		k.openings, k.unjudged, k.untold = k.model.Openings(), false, true
	}
	return k.openings, nil
}

// read adds the records that have arrived since the last time.
func (k *Keeper) read(ctx context.Context) error {
	if k.model == nil {
		k.model, k.unjudged = New(), true
	}
	upto, err := k.Arrived()
	if err != nil || upto == k.upto {
		return err
	}
	before := k.model.Records
	if err := k.Read(ctx, Search(), k.upto, upto, k.model.Add); err != nil {
		return err // the next call reads them again, which changes nothing
	}
	k.upto = upto
	k.unjudged = k.unjudged || k.model.Records != before
	return nil
}

// Describe adds what AWS described; see Model.Describe. The records that have arrived
// are read first.
func (k *Keeper) Describe(ctx context.Context, doc []byte, at time.Time, account, region string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.read(ctx); err != nil {
		return err
	}
	k.unjudged = true
	return k.model.Describe(doc, at, account, region)
}

// LookupName is the lookup that has the openings.
const LookupName = "exposure.csv"

// lookupColumns are the columns of the lookup.
var lookupColumns = []string{"id", "kind", "rule", "traffic", "opened", "opened_by", "opened_event", "reach", "why", "instances", "account", "region"}

// Lookup returns the openings that are not closed as a lookup. id is the group or ACL.
func Lookup(list []Opening) *lookup.Table {
	t := &lookup.Table{Name: LookupName, Columns: append(lookupColumns[:len(lookupColumns):len(lookupColumns)], lookup.ListColumn+"instances")}
	list = Merge(list)
	for i := range list {
		o := &list[i]
		if o.Closed != nil {
			continue
		}
		ids, several := o.instanceIDs(), ""
		first := ""
		if len(ids) > 0 {
			first = ids[0]
		}
		if len(ids) > 1 {
			several = lookup.JoinList(ids)
		}
		t.Rows = append(t.Rows, []string{
			o.ID, o.Kind, o.Rule, o.Traffic.String(), o.Opened.Time.Format("2006-01-02T15:04:05Z"), o.Opened.By, o.Opened.EventID, string(o.Reach), o.Why, first, o.Account, o.Region, several,
		})
	}
	return t
}

func (o *Opening) instanceIDs() []string {
	ids := make([]string, len(o.Instances))
	for i := range o.Instances {
		ids[i] = o.Instances[i].ID
	}
	return ids
}

// maxNotes is how many openings Notes describes.
const maxNotes = 5

// Notes describes the openings that some events made, for an alert.
func Notes(list []Opening, eventIDs []string) []string {
	made := make(map[string]bool, len(eventIDs))
	for _, id := range eventIDs {
		made[id] = true
	}
	var notes []string
	for i := range list {
		o := &list[i]
		if o.Opened.EventID == "" || !made[o.Opened.EventID] {
			continue
		}
		if len(notes) == maxNotes {
			break
		}
		notes = append(notes, o.note())
	}
	return notes
}

// note describes an opening: "sg-1 lets in tcp 22 (SSH) from 0.0.0.0/0: reachable, 1 of 1
// instance reachable (i-1 at 203.0.113.9)".
func (o *Opening) note() string {
	s := o.ID + " lets in " + o.Traffic.String() + ": " + string(o.Reach) + ", " + o.Why
	if o.Closed != nil {
		s = o.ID + " let in " + o.Traffic.String() + "; " + o.Why
	}
	for n, i := range o.Instances {
		if n == 3 {
			s += ", …"
			break
		}
		if n == 0 {
			s += "; instances: "
		} else {
			s += ", "
		}
		s += i.ID
		if i.Address != "" && i.Address != asked {
			s += " at " + i.Address
		}
	}
	return s
}
