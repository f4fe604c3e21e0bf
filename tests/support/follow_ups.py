"""Messages as people write them, by whether they go on with what was said before."""

from __future__ import annotations

# Nothing but what was said before says what is meant.
LEANING = """
commit it
and now in French?
why?
do that again
Do it again, please.
go on
continue
Please continue.
shorter please
make it shorter
Make it sound more formal.
explain that in more detail
Explain that in simple terms.
what about the second one?
What about Madrid?
how about Portugal
are you sure?
Are you sure about that?
thanks, and the other one?
Thank you! Now in German, please.
same for Spain
the same for Peru
Do the same for the other two files.
And of Spain?
and in 2019?
And when was it built?
and the author?
fix it
Fix the bug.
run the tests
Also add tests.
Add a docstring.
Remove the second paragraph.
undo that
revert it
push it to main
yes
yes, do it
Yes please.
no, the first one
try again
the last one?
how so?
Why not?
in German please
In Rust, please.
more examples
Give me an example.
give me two more
now with tests
What does that mean?
What does it mean?
Can you elaborate?
could you explain this further?
Is that right?
is this correct?
Translate it to Spanish.
Translate that sentence into Danish.
what else?
Anything else?
really?
tell me more
Who is she?
When was he born?
How old is it?
How long does it take?
What is its capital?
Why do you think so?
What happened then?
And who lives there?
rephrase
Summarise it in three bullet points.
Put that in a table.
as a table
as JSON
with sources
step by step please
Which one is better?
the former or the latter?
but why?
so?
And?
Then what?
Can you shorten the last paragraph?
Say it in one sentence.
What did you mean by that?
Who are they?
Warum?
und jetzt?
Mach weiter
pourquoi ?
¿por qué?
otra vez
ok do it
Hmm, are you sure?
Could you check that again?
now the other way round
Why is that?
make that two paragraphs
Can you make it friendlier?
I don't understand that
what do you mean
That's wrong
that is not right
No, I meant the other one
not quite, try again
Use a dictionary instead.
can you show me the code for that
give me the full version
and for children?
But what if it rains?
what if they refuse?
Which of those is cheaper?
Which of them is the oldest?
So who was right?
Do you have a source for that?
Where does it say so?
how do I use it
How would that work in practice?
could you add comments
Use shorter sentences.
Repeat the last answer
next question
next
stop
Write it as a haiku
Send it to him.
is there a faster way?
And what does it cost?
what's the difference?
who said that?
when did this happen
and then?
let's do the second option
Apply the change
same question for 2020
ditto for Italy
expand on the third point
why did he leave?
delete it again
compare them
Sort them by date.
what about its population?
Explain why.
Prove it.
convert this to Celsius
double it
Another one!
a bit longer
Spell it out
can you be more specific
go deeper
Could you translate that into Polish
Now make it rhyme
what about for two people?
That didn't work
still wrong
And the tax?
do both
OK, and on Sundays?
Who told him?
could you sum that up
Rewrite the introduction
keep going
list them
what are its drawbacks?
and if I cancel it?
Great. Next step?
as bullet points please
without the jargon
Are those all?
why did you choose that?
is that still the case?
sorry, in euros
make a table of that
can I use it offline?
and her brother?
""".strip().splitlines()

# They say themselves what they ask, or ask nothing.
STANDING = """
What is the capital of France?
Who wrote Hamlet?
what is 17*23?
2+2?
So 12*12?
hello
Hi there!
thanks
Thank you very much!
ok
Good morning
bye
Who are you?
Who am I?
How are you?
What can you do?
What time is it?
What day is it today?
Is it raining in Paris?
Is it safe to eat raw mushrooms?
Is it possible to fly from Rome to Oslo?
What is it like to be a bat?
How long does it take to boil an egg?
How much does it cost to fly to Tokyo?
Why is the sky blue?
Why do cats purr?
What happened this week in Lisbon?
The river that flows through Vienna
Name a river that is in Peru.
Which is the city that is the largest in Chile?
Who was the first president of Brazil?
Are cats and dogs the same?
Write a poem about rain.
Now write a poem about the sea.
In which year did Rome fall?
Translate "good morning" into Danish.
Translate the following text into German: The meeting starts at nine.
How do I commit a file in git?
Explain quantum entanglement.
Explain recursion in simple terms.
Give me an example of a palindrome.
Summarise the plot of Macbeth in three sentences.
Compare Python and Rust for web servers.
What does a lost house key cost?
How much is the deposit of the flat?
How many metres did day 4 climb more than day 6?
And who wrote Hamlet?
So why is the sky blue?
Add salt to boiling water: why does the temperature rise?
Fix the grammar: "He go to school yesterday".
Remove duplicates from the list [3, 3, 4, 5]
What is the difference between a list and a tuple?
Tell me more about the history of Lisbon.
I heard that the bridge was closed in 1974; when was it opened again?
What are the opening hours of the library?
Find all primes below 50.
How do you make bread?
When does the next train to Bern leave?
Is there a doctor in the village?
Does the kettle have a warranty?
def f(x): return x + 1
SELECT name FROM users WHERE id = 7
Wie heißt die Hauptstadt von Peru?
Quelle est la capitale du Chili ?
日本の首都はどこですか
Who painted the Mona Lisa?
What is photosynthesis?
List the planets.
Translate the word "house" into French.
How old is the universe?
When was Rome founded?
What does HTTP stand for?
What is the first law of thermodynamics?
What is the last letter of the Greek alphabet?
What is the next prime after 13?
Who invented the telephone and when?
Is it legal to record phone calls?
Is it true that bats are blind?
How is it possible that ships float?
It is raining; what should I wear?
Does it snow in Rome?
Is this the year of the dragon?
What is the meaning of life?
Sort the numbers 3, 1 and 2.
Run a marathon in under four hours: how should I train?
How do I fix a flat tyre?
Test my knowledge of French.
Who is the president?
What should I cook tonight?
Tell me a joke.
Tell me something interesting.
Can you help me?
What do you know about Peru?
Do you speak Spanish?
I need some advice.
In what year was Ada Lovelace born?
As a lawyer, how would you read clause 4?
With which country does Chile share its longest border?
What are they building in front of the station?
Which countries border those of the Benelux?
Is French a Romance language?
How many words are there in English?
Convert 30 degrees Fahrenheit to Celsius.
Push notifications on Android: how do they work?
How does one renew a passport?
Can one sentence have two verbs?
Is there life on Mars?
What was the weather like there in July 1999 in Oslo?
Then there is the matter of the unpaid invoice from May.
Now tell me what the rental agreement says about pets.
And what is the deposit of the flat?
Or is the kettle broken?
What about the rental agreement for the garage in Vienna?
Thanks for the help!
nice work
you are great
That was great, thank you!
lol
Hello there
See you then
What does the contract say about pets?
How many people live in Lagos?
Write a function that reverses a string.
When is Easter next year?
What is the best way to learn Spanish?
Who is the author of Dune?
Recommend a good book on statistics.
How do I change the language of my phone?
Explain the theory of relativity to a child.
What is the opposite of brave?
What is a monad?
Which is larger, Mars or Venus?
Do penguins have knees?
Is a tomato a fruit?
Tell me about Ada Lovelace.
How do I get from Vienna to Graz?
Give me three ideas for a birthday present.
Can dogs eat grapes?
Why do we yawn?
Draft an email to my boss asking for leave.
Good evening, I have a question about my invoice.
What is this world coming to?
How does that old saying about early birds go?
I would like to book a table for two.
So, what is on the menu today?
Then explain how vaccines work.
As of 2020, who is the CEO of Intel?
What is his name, the actor who played Gandalf?
Is it worth buying an electric car?
Are they any good, those electric bikes from the Dutch brand?
""".strip().splitlines()

# What the rule gets wrong, so that a change of it shows.
MISSED = [
    "I meant the blue one",
    "Which do you prefer?",
    "hm, why exactly?",
    "show your work",
    "use the first approach",
    "what would that cost me?",
]
MISTAKEN = ["Add two and three.", "Is Python better than Rust?"]

# (earlier question, later question that goes on with the same task in words of its own)
SAME_TASK = [
    ("What is the capital of France?", "What is the population of the capital of France?"),
    ("How do I sort a list in Python?", "How do I sort a Python list in reverse order?"),
    ("Prove that the square root of 2 is irrational.", "Is the square root of 3 irrational by the same proof?"),
    ("How long is the warranty of the kettle?", "Does the warranty of the kettle cover the heating element?"),
    ("How much is the deposit of the flat?", "When do I get the deposit of the flat back?"),
    ("Which day of the trip climbed the most metres?", "How many metres did day 4 of the trip climb?"),
    ("Explain how photosynthesis works.", "Which gas do plants release during photosynthesis?"),
    ("Refactor the function parse_date to use regular expressions.", "Write a unit test for the function parse_date."),
    ("What causes inflation?", "How do central banks lower inflation?"),
    ("Compare the rental agreements of 2021 and 2023.", "Which rental agreement has the longer notice period?"),
    ("Write a SQL query for the ten best customers.", "Leave customers without orders out of the SQL query."),
    ("Who was Ada Lovelace?", "What did Ada Lovelace write about the analytical engine?"),
    ("Solve x^2 - 5x + 6 = 0.", "Solve x^2 - 7x + 12 = 0."),
    ("What is the side effect profile of ibuprofen?", "May ibuprofen be taken together with aspirin?"),
    ("Draft an email to the landlord about the broken heating.", "Make the email to the landlord more polite."),
    ("How does TLS establish a session key?", "Which part of the TLS handshake authenticates the server?"),
    ("Plan a three-day trip to Rome.", "Which museums in Rome should a three-day trip include?"),
    ("Why does the boiler lose pressure?", "How do I refill the boiler when its pressure is low?"),
]  # fmt: skip

# (earlier question, later question about something else)
OTHER_TASK = [
    ("Prove that the square root of 2 is irrational.", "What is the capital of France?"),
    ("How do I sort a list in Python?", "How long is the warranty of the kettle?"),
    ("What is the capital of France?", "Who wrote Hamlet?"),
    ("How much is the deposit of the flat?", "Which gas do plants release during photosynthesis?"),
    ("Explain how photosynthesis works.", "Explain how a hash table works."),
    ("What causes inflation?", "What causes earthquakes?"),
    ("Compare the rental agreements of 2021 and 2023.", "Compare Python and Rust for web servers."),
    ("Write a SQL query for the ten best customers.", "Write a poem about the sea."),
    ("Who was Ada Lovelace?", "Who was Marie Curie?"),
    ("Solve x^2 - 5x + 6 = 0.", "What time does the library open?"),
    ("Draft an email to the landlord about the broken heating.", "Draft a speech for the wedding of my sister."),
    ("Plan a three-day trip to Rome.", "Plan the budget of a small bakery."),
    ("How does TLS establish a session key?", "What does a lost house key cost?"),
    ("Why does the boiler lose pressure?", "Why is the sky blue?"),
    ("What is the side effect profile of ibuprofen?", "How do I descale the coffee machine?"),
    ("Which day of the trip climbed the most metres?", "Which language has the most native speakers?"),
    ("How do I commit a file in git?", "How do I bake sourdough bread?"),
    ("What are the opening hours of the library?", "What are the quiet hours of the house?"),
    ("Summarise the plot of Macbeth in three sentences.", "Summarise the minutes of the last meeting."),
    ("How do I reset my router?", "How do I reset the trip meter of my car?"),
]  # fmt: skip
