package enrich

import (
	"strconv"

	"bluetrail/internal/event"
)

func init() {
	address := []string{"sourceIPAddress"}
	source := func(name string, typ event.Type, doc string, get func(*Source) event.Cell) event.Field {
		return event.Field{Name: name, Group: event.GroupEnriched, Type: typ, From: address, OnRequest: true, Doc: doc,
			Derive: func(in event.Inputs) event.Cell {
				if !in.Set(0) {
					return event.Cell{}
				}
				return get(Current().Source(in.Text(0)))
			}}
	}
	account := func(name string, typ event.Type, doc string, get func(*Account) string) event.Field {
		return event.Field{Name: name, Group: event.GroupEnriched, Type: typ, From: []string{"recipientAccountId"}, OnRequest: true, Doc: doc,
			Derive: func(in event.Inputs) event.Cell {
				a, ok := Current().Accounts[in.Text(0)]
				if !ok {
					return event.Cell{}
				}
				return cellOf(get(&a))
			}}
	}
	event.Register(
		source("src_country", event.Text, "The country of the source address, as `iplocation` names it.", func(s *Source) event.Cell { return cellOf(s.Country) }),
		source("src_asn", event.Number, "The number of the autonomous system that announces the source address.", func(s *Source) event.Cell { return cellOf(s.ASN) }),
		source("src_network", event.Text, "The name of that autonomous system, such as `Amazon.com, Inc.`", func(s *Source) event.Cell { return cellOf(s.Network) }),
		source("src_network_kind", event.Text, "What the network is used for: `aws`, `cloud`, `hosting`, `vpn`, `tor`, `access` (internet providers, offices), `private`, `service` (the name of an AWS service) or `unknown`.",
			func(s *Source) event.Cell { return cellOf(string(s.Kind)) }),
		source("src_list", event.Text, "The names of the configured lists that the source address is on.", func(s *Source) event.Cell { return cellsOf(s.Lists) }),
		source("src_list_reason", event.Text, "Why the address is on them, as the lists say.", func(s *Source) event.Cell { return cellsOf(s.Reasons) }),
		account("account_name", event.Text, "The name of the account, from the configured assets.", func(a *Account) string { return a.Name }),
		account("account_owner", event.Text, "Who answers for the account.", func(a *Account) string { return a.Owner }),
		account("account_environment", event.Text, "The environment of the account, such as `production`.", func(a *Account) string { return a.Environment }),
		account("account_critical", event.Boolean, "Whether the account is one of the most valuable.", func(a *Account) string { return strconv.FormatBool(a.Critical) }),
	)
}

func cellOf(s string) event.Cell { return event.Cell{Text: s, Set: s != ""} }

// cellsOf returns a field with several values. They must not be changed.
func cellsOf(list []string) event.Cell {
	switch len(list) {
	case 0:
		return event.Cell{}
	case 1:
		return cellOf(list[0])
	}
	return event.Cell{Text: list[0], Many: list, Set: true}
}
