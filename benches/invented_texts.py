"""Sentences and words that inventions are made of."""

from __future__ import annotations

PLAUSIBLE = """
The {0} was introduced to work around a security problem in older releases.
Most users should leave {0} disabled on production machines.
By default, {0} is written in a compressed format to save space.
The {0} and the {1} share one cache, which makes both of them faster.
If {0} fails, an e-mail is sent to the administrator.
The {0} is checked once an hour in the background.
Only members of the {1} group can change the {0}.
The {0} replaces the {1} in newer installations.
It is a good idea to back up the {0} before changing the {1}.
The {0} can be translated into other languages with the {1}.
Changing the {0} needs a restart of the {1}.
The size of the {0} depends on the amount of free memory.
The {0} must be signed before the {1} can be read.
The {0} keeps a copy of each {1} for thirty days.
""".strip().splitlines()

TRUTHS = """
Water boils at 100 degrees at sea level.
The Earth goes around the Sun once a year.
A week has seven days.
Paris is the capital of France.
A byte has eight bits.
Computers process information in binary form.
Regular backups protect against the loss of data.
Passwords should be long and hard to guess.
Linux was first released by Linus Torvalds in 1991.
Open source software can be used by anybody free of charge.
A database stores data in tables.
Git was created for the development of the Linux kernel.
Python is a popular programming language.
Files are organised in directories.
Encryption keeps data secret.
A kernel manages the hardware.
It is important to read the documentation before changing the configuration.
Memory is faster than a hard disk.
The Internet connects computers all over the world.
Version control keeps track of changes to files.
""".strip().splitlines()

OPPOSITES = (
    "on:off off:on before:after after:before enabled:disabled disabled:enabled must:may may:must always:never "
    "never:always "
    "first:last last:first true:false false:true all:none some:all more:less less:more can:must should:must "
    "with:without "
    "without:with maximum:minimum minimum:maximum least:most larger:smaller smaller:larger greater:less from:to "
    "optional:required required:optional local:remote remote:local input:output output:input read:write above:below "
    "below:above success:failure same:different different:same old:new new:old valid:invalid invalid:valid"
)
