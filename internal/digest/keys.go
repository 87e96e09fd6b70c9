package digest

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Keys are public keys of CloudTrail by their fingerprints. The zero value has none.
type Keys struct {
	list map[string][]PublicKey
}

// PublicKey is a key in an answer of CloudTrail's ListPublicKeys.
type PublicKey struct {
	Value             string    `json:"Value"` // base64 of PKCS #1 DER
	ValidityStartTime time.Time `json:"ValidityStartTime"`
	ValidityEndTime   time.Time `json:"ValidityEndTime"`
	Fingerprint       string    `json:"Fingerprint"`
	Region            string    `json:"Region,omitempty"` // the answer was for; "" = not known

	key *rsa.PublicKey
}

// validitySlack is how far outside of the validity of its key a digest may lie. AWS's own
// tool allows as much, because keys rotate while digests are under way.
const validitySlack = 2 * time.Hour

// Add adds a key.
func (k *Keys) Add(p PublicKey) error {
	der, err := base64.StdEncoding.DecodeString(p.Value)
	if err == nil {
		p.key, err = x509.ParsePKCS1PublicKey(der)
	}
	if err != nil {
		return fmt.Errorf("cannot read the public key %q: %w", p.Fingerprint, err)
	}
	if p.Fingerprint == "" {
		return errors.New("a public key has no fingerprint")
	}
	if k.list == nil {
		k.list = map[string][]PublicKey{}
	}
	k.list[p.Fingerprint] = append(k.list[p.Fingerprint], p)
	return nil
}

// ParseKeys reads one or several answers of ListPublicKeys in JSON, one after the other,
// as `aws cloudtrail list-public-keys` writes them.
func ParseKeys(dec *json.Decoder) (*Keys, error) {
	k := &Keys{}
	for dec.More() {
		var answer struct {
			PublicKeyList []struct {
				PublicKey
				ValidityStartTime, ValidityEndTime moment
			} `json:"PublicKeyList"`
		}
		if err := dec.Decode(&answer); err != nil {
			return nil, fmt.Errorf("it is not an answer of ListPublicKeys: %w", err)
		}
		for _, p := range answer.PublicKeyList {
			p.PublicKey.ValidityStartTime, p.PublicKey.ValidityEndTime = time.Time(p.ValidityStartTime), time.Time(p.ValidityEndTime)
			if err := k.Add(p.PublicKey); err != nil {
				return nil, err
			}
		}
	}
	if k.Len() == 0 {
		return nil, errors.New("there is no public key in it; it should be an answer of ListPublicKeys")
	}
	return k, nil
}

// moment is a time as the versions of AWS's command line write it: a text, or seconds.
type moment time.Time

func (m *moment) UnmarshalJSON(b []byte) error {
	var seconds float64
	if json.Unmarshal(b, &seconds) == nil {
		*m = moment(time.UnixMilli(int64(seconds * 1000)).UTC())
		return nil
	}
	var t time.Time
	err := json.Unmarshal(b, &t)
	*m = moment(t)
	return err
}

// Len returns the number of keys.
func (k *Keys) Len() int {
	if k == nil {
		return 0
	}
	return len(k.list)
}

// All returns the keys.
func (k *Keys) All() (all []PublicKey) {
	for _, list := range k.list {
		all = append(all, list...)
	}
	return all
}

var (
	errUnknownKey = errors.New("unknown key")
	errKeyExpired = errors.New("the key was not valid then")
)

// find returns the key with a fingerprint that was valid at a time, zero = any.
func (k *Keys) find(fingerprint string, at time.Time) (*rsa.PublicKey, error) {
	if k.Len() == 0 || len(k.list[fingerprint]) == 0 {
		return nil, errUnknownKey
	}
	for _, p := range k.list[fingerprint] {
		if at.IsZero() || !at.Before(p.ValidityStartTime.Add(-validitySlack)) && !at.After(p.ValidityEndTime.Add(validitySlack)) {
			return p.key, nil
		}
	}
	return nil, errKeyExpired
}
