package exposure

import "time"

// Bounds of a model. What exceeds them is counted in Dropped.
const (
	maxInstances = 1_000_000
	maxGroups    = 500_000
	maxRules     = 2_000 // of one group or ACL; AWS allows fewer
	maxOthers    = 1_000_000
)

// Model is what is known. It is not safe for concurrent use.
type Model struct {
	Since   time.Time // of the oldest record, zero = none
	Until   time.Time // of the newest
	Records int64     // that changed something
	Dropped int64     // things and rules beyond the bounds
	Unread  int64     // records that could not be read

	groups       map[string]*group
	acls         map[string]*acl
	subnets      map[string]*subnet
	interfaces   map[string]*nic
	instances    map[string]*instance
	addresses    map[string]*address // by allocation ID, or by address where it has none
	associations map[string]string   // of addresses: the key in addresses by association ID
	released     map[string]*Change  // associations that ended before they were known
}

// place is where a thing lies.
type place struct {
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	VPC     string `json:"vpc,omitempty"`
}

// group is a security group, with its rules for traffic that comes in.
type group struct {
	place
	Name    string  `json:"name,omitempty"`
	Created *Change `json:"created,omitempty"` // all rules since are known
	Gone    *Change `json:"gone,omitempty"`
	// Whole is when AWS described all rules; those it did not name were closed then.
	Whole *Change `json:"whole,omitempty"`

	Rules map[string]*history[Traffic] `json:"rules,omitempty"` // by rule ID, or else by traffic
	// Closed are the calls that took traffic away, whatever rules allowed it.
	Closed map[string]*history[struct{}] `json:"closed,omitempty"` // by traffic
}

// acl is a network ACL.
type acl struct {
	place
	Created *Change                    `json:"created,omitempty"` // see group
	Whole   *Change                    `json:"whole,omitempty"`   // see group
	Gone    *Change                    `json:"gone,omitempty"`
	Entries map[string]*history[entry] `json:"entries,omitempty"` // of traffic that comes in, by number
}

// entry is an entry of a network ACL.
type entry struct {
	Traffic
	Allow bool `json:"allow"`
}

// subnet is a subnet.
type subnet struct {
	place
	ACL    latest[string] `json:"acl"`
	Public latest[bool]   `json:"public"` // its instances get public addresses
}

// nic is a network interface.
type nic struct {
	place
	Subnet   string           `json:"subnet,omitempty"`
	Instance latest[string]   `json:"instance"`
	Groups   latest[[]string] `json:"groups"`
	Public   latest[string]   `json:"public"` // its address; asked = one was asked for, "" = none
	Primary  bool             `json:"primary,omitempty"`
}

// asked stands for a public address that is not known.
const asked = "yes"

// instance is an instance.
type instance struct {
	place
	Type     string           `json:"type,omitempty"`
	Launched *Change          `json:"launched,omitempty"`
	State    latest[string]   `json:"state"` // running, stopped or terminated
	Subnet   latest[string]   `json:"subnet"`
	Groups   latest[[]string] `json:"groups"` // of its first interface
	Public   latest[string]   `json:"public"` // see nic
	nics     []string
}

// address is an elastic address.
type address struct {
	IP     string
	Holder latest[string] // an instance or interface, "" = none
}

// New returns an empty model.
func New() *Model {
	return &Model{
		groups: map[string]*group{}, acls: map[string]*acl{}, subnets: map[string]*subnet{}, interfaces: map[string]*nic{}, instances: map[string]*instance{},
		addresses: map[string]*address{}, associations: map[string]string{}, released: map[string]*Change{},
	}
}

// of returns the thing with an ID, made if there is room, else nil.
func of[T any](m *Model, all map[string]*T, id string, most int) *T {
	if id == "" {
		return nil
	}
	x := all[id]
	if x == nil {
		if len(all) >= most {
			m.Dropped++
			return nil
		}
		x = new(T)
		all[id] = x
	}
	return x
}

// at completes where a thing lies.
func (p *place) at(account, region, vpc string) {
	for _, f := range []struct {
		to   *string
		from string
	}{{&p.Account, account}, {&p.Region, region}, {&p.VPC, vpc}} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
}
