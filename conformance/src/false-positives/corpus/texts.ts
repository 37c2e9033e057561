/** Names as people have them, apostrophes, hyphens and scripts included. */
export const names: readonly string[] = [
  "Miles O'Brien", "Conan O'Neill", "Siobhán O'Connor", "Sean D'Arcy", "Gabriele D'Annunzio", "Chiara Dell'Acqua", "Jean-Luc L'Hôpital", "Neil deGrasse Tyson", "Mary-Jane O’Hara",
  "Zoë Quinn", "Björn Åkesson", "Łukasz Żółć", "Nguyễn Văn An", "José María Núñez", "François Lefèvre", "Jürgen Groß", "İbrahim Çelik", "Ólafur Ragnarsson", "Andreea Țepeș", "Ana Đorđević",
  "王小明", "山田 太郎", "김민준", "Иван Петров", "Олександр Шевченко", "Γιώργος Παπαδόπουλος", "محمد الأحمد", "דוד כהן", "राज कुमार", "สมชาย ใจดี", "ნინო ბერიძე", "Արամ Խաչատրյան",
  "Union Smith", "Drop Jones", "Null Fisher", "Jennifer Null", "Selecta Lopez", "Andy Orr", "Sandor Likely", "Oren Andersen", "Table Mountain Tours Ltd.", "Smith & Sons; Plumbing",
  "T'Pol of Vulcan", "Ng'ang'a Mwangi", "K'naan Warsame", "Ta'Rhonda Jones", "Marc-André ter Stegen", "Dr. Who (the second)", "Anne-Sophie v. d. Berg", "J. R. R. Tolkien", "X Æ A-12", "Prince 2.0",
];

/** What people write to shops, neighbours and colleagues. */
export const sentences: readonly string[] = [
  "The parcel hasn't arrived yet. Could you look into it, please?", "Thanks for the quick reply!", "I ordered two pairs, but only one's in the box.", "Can we move our meeting to Thursday, 3 pm?", "The colour isn't what I expected; it's more of a dark green.", "We're so happy with the new sofa.", "Great service, friendly staff -- we'll be back!", "The battery lasts about 8 hours (less in winter).",
  "Is this available in size 42, or only in 41?", "Sorry for the late answer, I've been on holiday.", "Our flight's at 6:45, so we'll check out early.", "Two adults & one child (4 years old)", "Does the kit include the screws? The manual says \"included\".", "The kids' room needs a bigger bed.", "I've attached the invoice; let me know if anything's missing.", "Could you send it to my parents' address instead?",
  "Everything fine, thanks.", "The app keeps closing when I open the map.", "Since the last update, the login doesn't work any more.", "Best coffee in town, but the music's too loud!", "Good value for money: 4/5 stars.", "Hello, I'm interested in the flat on Mill Lane. Is it still free?", "The zip broke after a week :-(", "Please leave it with my neighbour at no. 12.", "Looking forward to seeing you all on Saturday!", "Happy birthday, Grandma! Lots of love from all of us.", "The lecture's slides are on the website.", "What's the warranty on this? 2 years?",
  "I'd recommend it to anyone.", "Not bad, but it's a bit small for the price.", "My order number is 1002-334-A.", "We need 12 chairs, 3 tables and 1 projector for the workshop.", "The heating in room 204 isn't working.", "Just a quick question: do you ship to Norway?", "I can't find the tickets in my inbox. Could you resend them?", "The recipe says 200 g of flour, 2 eggs and a pinch of salt.", "After the rain, the garden looked beautiful.", "The train was 20 minutes late, as usual.", "Our team's goal for 2026: fewer meetings, more walks.", "She wrote the book in 1998, and it's still in print.",
  "It's the 'real' deal, or so they say.", "He's 5'10\" and she's 5'4\".", "12\" records & 7\" singles", "The boys' and girls' changing rooms are open.", "Let's meet at St. John's, 4 o'clock.", "Qu'est-ce que c'est? C'est l'été!", "L'union fait la force, n'est-ce pas?", "Ich hätt's gern um 8 Uhr -- geht's?",
  "¿Dónde está la biblioteca? ¡Está aquí!", "Não é possível selecionar a opção; tente de novo.", "Dov'è l'ufficio dell'università?", "Het is 's avonds koud & nat.", "Где находится таблица заказов?", "お問い合わせの件ですが、よろしくお願いします。", "请问订单什么时候发货？谢谢！", "주문을 취소하고 싶어요 ㅠㅠ", "أين طلبي؟ شكراً لكم", "היי, מתי מגיע המשלוח?",
  "मेरा ऑर्डर कहाँ है?", "สินค้าถึงเมื่อไหร่คะ", "Πού είναι η παραγγελία μου;", "Siparişim nerede? Teşekkürler!", "Kde je moje objednávka? Díky!", "Đơn hàng của tôi đâu rồi?", "Love it!!! 😍😍 10/10 would buy again 👍🏽", "🎉🎉 Happy new year 2026 🥂 to all :-)", "¯\\_(ツ)_/¯ whatever", "<3 you all, see u @ 8",
  "a < b and b > c, so what?", "The ratio is 3:2; the sum's 5.", "f(x) = x^2 + 3x - 4", "E = mc²", "√2 ≈ 1.41421, π ≈ 3.14159", "a² + b² = c²", "P(A|B) = P(B|A) * P(A) / P(B)", "1,000.00 - 5% = 950.00", "x >= 10 && fun", "50 / 2 * (3 + 4) - 1",
  "AT&T, H&M, Marks & Spencer, M&M's", "Tom & Jerry; Laurel & Hardy", "C++, C#, F# and .NET developer wanted", "node.js / react / vue -- senior (m/f/d)", "www.example.com is our site, info@example.com our mail", "See https://www.example.org/help?topic=returns&lang=en for more.", "Call +1 (555) 010-9999 or 0800/123 456", "Order #A-1023; invoice no. 2026/17; ref: 77-B", "Mon-Fri: 8:00-18:00; Sat: 9-13", "Payment: 50% upfront, 50% on delivery",
];

/** Prose with the words that attacks use: written to provoke. */
export const provoking: readonly string[] = [
  "Our union's members voted: 51% for, 49% against.", "Truncate the long title, and delete from the list what's old.", "The group by the door is waiting for a table.", "Like it or not, it's between you and me.", "I can't exec all of this alone & need help...",
  "The sale's on: 50% off everything, 70% off selected items!", "Grant us access to the site & we'll send the plan.", "As of 1/1/2026 = new prices; see our list.", "Wait for delay notices at the gate #12.", "Sleep (8 hours) and good food: that's the benchmark.",
  "Cast away your doubts; convert to tea.", "char grilled fish & chips, 2 for £10", "Version 2.0's out -- what's new?", "Load the file into the car and drive.", "Null and void: the contract's clause #4.", "Not exists? It does exist!", "If x = 1 then y = 2, right?",
  "I'd like to select a table for two, or three if Anna can make it.", "Please drop the parcel at the neighbour's house; don't ring the bell.", "The European Union and the select committee met on Monday.",
  "Where can I find the order form? I'd like to order by phone.", "Update: the table was delivered, and it's great!", "Don't insert the card into the slot before the light's green.",
  "We have 1 or 2 rooms left, from 99 EUR.", "Is it true that 2 + 2 = 4? Yes, and 3 > 2 as well.", "She said \"it's fine\" and left.", "Rock 'n' roll isn't dead -- it just smells funny.", "Create a new view of the world; alter your mind.",
  "Having a great time, wish you were here (not).", "My cat's name is Bash; my dog's called Ruby.", "Can you ping me tomorrow? I'll be at the office from 9 to 5.", "Use the script for the play: act 1, scene 2.",
  "My password isn't working -- can you reset it?", "I forgot my admin e-mail; what now?", "Which cat eats which mouse? more or less all.", "Time to find the date: who's in?", "The host's house at the head of the lake; the tail end of summer.", "Kill two birds with one stone, sort of.", "Type in the code & press enter.", "Echo Beach; Martha & the Muffins", "Curl your hair; wash it first.", "Perl necklace -- genuine!",
  "Note: the windows were dirty, the system was down; etc.", "He's root cause analyst and she's the group's admin.", "The script's title: \"On load, on error\"", "Alert! Only 1 left.", "Object of desire, frame by frame", "Iframe or picture frame?", "Style: modern; size: 2x3 m", "I read 'War and Peace' or was it 'Crime and Punishment'?", "The meta-analysis' results were = to ours.", "Document your work; cookie recipes welcome.",
];

/** The same for search boxes. */
export const provokingSearches: readonly string[] = [
  "o'reilly books", "l'oréal paris", "kids' shoes", "men's t-shirt xl", "levi's 501", "dunkin' donuts near me", "hallowe'en costume", "valentine's day gift", "mother's day flowers", "1 bedroom flat or 2 bedroom", "union jack", "select comfort bed", "drop leaf table", "insert pan", "update windows 11",
  "create account", "delete account how to", "order by mail", "where to eat", "group by", "table runner", "view master", "index fund", "cross join meaning", "having fun", "sql for beginners", "learn javascript fast", "php or python", "java 21 features", "bash tutorial", "what is union select", "cat food", "ls swap", "ps5 controller", "id card holder", "who is who", "curl cream", "wget", "ping pong bats", "more or less",
  "\"exact phrase\"", "\"to be or not to be\"", "site:example.com pdf", "-used +new", "cat|dog", "intitle:help", "wild*card", "who?", "(red OR blue) AND shoes", "NOT leather", "café crème", "crème brûlée", "jalapeño", "smörgåsbord", "straße", "über uns", "москва погода", "東京 ホテル", "北京 酒店", "서울 맛집",
  "how do i select all in excel", "what's the difference between and & or", "is it 'affect' or 'effect'", "don't starve together", "it's always sunny", "let's dance", "i'm lovin' it", "y'all", "what does ; mean in c", "a/b testing", "and/or", "24/7", "e-mail", "ad blocker", "img src", "on sale", "online = offline", "true or false quiz", "null hypothesis", "undefined behavior",
];

/** What people type into search boxes. */
export const searches: readonly string[] = [
  "running shoes", "winter jacket women", "iphone 16 case", "coffee machine", "desk lamp led", "garden chairs", "birthday present for him", "hotel near central station", "weather tomorrow", "cheap flights to rome", "vegan lasagne recipe", "how to fix a bike tyre", "yoga mat", "kids bike 16 inch", "wireless headphones", "board games for 2", "return policy", "opening hours", "gift card", "contact",
  "dr. martens", "ben & jerry's", "mcdonald's", "harry potter and the philosopher's stone", "children's books", "women's day", "bird's nest", "sheet 90x200", "paint 5l white", "3-piece set",
  "50% off", "100% cotton", "size 10 - 12", "usb-c to hdmi 2.1", "24\" monitor", "15.6 inch laptop < 500", "price > 100", "tv 55\" 4k", "3/4\" drill bit", "1/2 price", "#1 bestseller", "@home", "c++ primer", "c# in depth", ".net core", "node.js", "r&b music", "black & decker", "at&t", "barnes & noble",
  "مطعم قريب", "מלון תל אביב", "दिल्ली मौसम", "กรุงเทพ", "αθήνα", "istanbul otel", "hà nội", "kraków", "plzeň", "gdańsk", "10:30", "2026-01-31", "01.02.2026", "+44 20 7946 0958", "AB12 3CD", "SKU-0001/B", "978-3-16-148410-0", "N95", "H2O", "x-ray",
];

export const cities: readonly (readonly [street: string, city: string, zip: string])[] = [
  ["1 King's Road", "St. John's", "A1B 2C3"], ["12 O'Connell St.", "Dublin", "D01 F5P2"], ["Rue de l'Église 5", "L'Haÿ-les-Roses", "94240"], ["Via dell'Orso 3", "Milano", "20121"], ["Straße des 17. Juni 135", "Berlin", "10623"], ["10 Downing Street", "London", "SW1A 2AA"], ["Apt #4; 221b Baker Street", "London", "NW1 6XE"], ["P.O. Box 12 & 13", "'s-Hertogenbosch", "5211 AA"],
  ["1600 Pennsylvania Ave NW", "Washington, D.C.", "20500"], ["Carrer d'Aragó, 255", "Barcelona", "08007"], ["東京都千代田区丸の内1-9-1", "東京", "100-0005"], ["ул. Пушкина, д. 10, кв. 5", "Москва", "101000"], ["C/ Mayor 1, 2º-B", "Madrid", "28013"], ["Ul. Marszałkowska 1/2", "Warszawa", "00-624"], ["5th Floor (rear), 30 Rockefeller Plaza", "New York", "10112"], ["شارع التحرير 5", "القاهرة", "11511"],
];

export const products: readonly string[] = [
  "Men's Running Shoe \"Air 2\"", "Kids' Bike 16\"", "USB-C Cable (2 m) -- white", "Salt & Pepper Set", "Drop-Leaf Table", "Select-O-Matic Mixer 3000", "Union Jack Mug", "Cable 3x1.5mm² / 10 m", "Book: 'SQL & NoSQL in Practice'", "Crème brûlée torch", "LED 5W = 40W (warm)", "T-Shirt #1 Dad <3", "Poster 50x70; framed", "Tea: Earl Grey, 100% organic", "緑茶 100g", "Ноутбук 15.6\"",
];
