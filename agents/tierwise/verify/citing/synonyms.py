"""Words that say the same in a source and in an answer about it, and words that say nothing by themselves.

Plain lists for English. A word stands in one group only, and a group holds no two words that would make a false
sentence of a true one: whoever adds to them weighs a citation that is missed against one that is wrong.
"""

from __future__ import annotations

GROUPS = """
    delete remove erase discard wipe purge
    begin start commence launch initiate
    end finish conclude terminate
    show display depict
    build construct make create generate produce
    permission consent authorisation authorization
    forbid prohibit ban
    guarantee warranty
    contract lease agreement
    repair fix mend
    return refund repay
    buy purchase acquire
    sell vend
    cost price charge fee
    pay spend
    receive obtain
    need require
    recommend advise suggest
    choose select pick
    change modify alter edit
    replace substitute swap
    fill refill
    big large
    small little tiny
    fast quick rapid
    fridge refrigerator
    phone telephone
    car vehicle automobile
    pupil student
    person people
    picture photo photograph image
    movie film video
    folder directory
    mistake error fault
    fail failure
    reach arrive attain
    leave depart
    serve offer provide supply deliver
    hold contain keep accommodate seat house
    last endure
    approximately about roughly circa nearly almost around
    automatically itself
    maximum max
    minimum min
    whole entire complete full
    part portion piece
    close shut
    avoid prevent
    harm damage hurt
    broken damaged
    happen occur
    help assist aid
    answer reply respond response
    ask request
    fund finance
    found establish
    job task
    total sum
    often frequently
    several multiple
    sometimes occasionally
    quiet silent
    hard difficult
    easy simple
    cancel revoke
    verify check validate confirm
    explain describe
    examine inspect
    search look
    find locate discover detect
    combine merge join
    split divide separate
    move relocate
    copy duplicate
    send transmit
    obligatory mandatory compulsory
    optional voluntary
    config configuration configure
    repo repository
    param parameter
    arg argument
    info information
    doc documentation
    app application program
    spec specification
    env environment
    dir directory
    admin administrator
    id identifier
    synchronise synchronize sync
    initialise initialize
    organise organize
    colour color
    behaviour behavior
    centre center
    licence license
    metre meter
    litre liter
    dependency dependent depend
    free gratis
    loud noisy noise
    wet damp moist
    warm hot
    doctor physician
    trip journey
    monthly month
    yearly annual annually year
    daily day
    hourly hour
    aim goal purpose intent intend
    enough sufficient
    forever permanent permanently
    immediate immediately instantly
    food meal
    cover insure
    resident inhabitant
    scientist researcher
    author writer
    previously formerly
    simultaneous simultaneously concurrent concurrently
    allergy allergic
    responsible responsibility
    safe safety
    long length
    high height
    wide width
    deep depth
    weigh weight
"""

# Words that carry nothing by themselves: what a sentence claims is in the others.
FILLERS = """
    accordingly additionally actually also basically certainly clearly currently essentially example fact finally
    following furthermore generally hence important importantly indeed instance likewise mainly moreover namely
    normally notably note notice otherwise overall particular particularly presumably probably perhaps possibly maybe
    simply specifically specify summary thing therefore thus type typically usually way various
    mean refer indicate describe mention explain denote represent correspond involve concern relate regard
    happen occur take place time case order number amount value quantity total set equal able possible want like
    kind sort term word stand include people person individual
    allow run perform execute get stay respective respectively certain appear seem
    however nevertheless nonetheless meanwhile consequently besides well too
    approximately about roughly circa nearly almost around
"""
