"""Who was near whom, where, how surely, and who may have infected whom.  Pure: rows in, records out.

| module | holds |
|---|---|
| profile | what counts as a contact for a disease |
| seam | what tells how close two people were: a model behind two methods |
| minutes | probabilities over pieces of time -> minutes, their spread, their bands |
| encounter | co-presence and contact logs -> encounters of two people |
| exposure | encounters of a pair -> what one of them was exposed to, day by day |
| chain | exposures -> F0, F1, F2, in the order of time, forward and backward |
| zoning | where a case was, and who was there when |
| closeness | how strongly two heard each other -> probability that they were close: the model behind the seam |
| worlds | what may be true of a day of two people all day: how near they sit, how often they meet |
| rooms | in which room a tag is, from all receivers that heard it |
| door | which way a tag went through a door, from receivers on both sides |
| contacts | contact logs of tags, record by record: taken or kept apart |
| past | the same for records of a clock that stood otherwise then: before a change of battery |
| passage | windows on both sides of a door -> in or out, and when |
| abroad | a case as one office gives it to another |
| outcome | what a trace tells, with names put to it |
"""
