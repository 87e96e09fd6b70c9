// Package exposure keeps what a trail says of security groups, network ACLs, subnets,
// interfaces and instances, and answers for each opening to the whole internet: which
// instances does it open, does anything still block it, who made it, is it closed again?
//
// A Model is a function of the set of records it was given, not of their order: of two
// changes of the same thing, the later one holds, by event time and then event ID. What
// the trail does not say is unknown, and an answer that depends on it says so.
package exposure
