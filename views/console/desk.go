package console

import "latchkey/views/component"

// DeskRules is what the organisation says of its desk.
type DeskRules struct {
	Base             string // address of this page, to which the acts are added
	Version          string
	Numbers          []component.Field
	Given            []component.Choices // what may be given, and how it is delivered
	Ways             []component.Choices // of a caller check
	Own              component.Check
	Pattern, Example component.Field
	Rows             []ReasonRow
	Full             bool // there can be no more reasons
	Reason           string
	Errors           map[string]string
}

// ReasonRow is one of the organisation's reasons.
type ReasonRow struct {
	Code, Words, Usual string
	Ticket             bool
	Version            string
}

// ReasonForm is a reason to be made, or changed.
type ReasonForm struct {
	Back, Action, Title string
	Version             string
	Words, Code         component.Field
	Minutes, Uses       component.Field
	Ticket              component.Check
	Kinds, Deliveries   component.Choices
	Places              []component.Choice // where it stands in the list
	Reason              string
	Errors              map[string]string
}
