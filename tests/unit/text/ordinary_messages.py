"""What people write to a number that warns them, and do not mean as a keyword.

Sentences that begin with a keyword or hold one, questions, and cries for help in one word: whoever
writes these must get the answer that names the emergency call, and lose nothing.
"""

SENTENCES = """
Ende der Straße brennt
Ende der Leitung
Stopp, hier brennt es
Stoppt den Zug
Stop die Pumpe im Keller läuft nicht
Bitte stoppen Sie das Wasser
Bitte nicht beenden
Beenden Sie bitte den Lärm
Abmelden will ich mich nicht
Anmelden wo
Ich will mich anmelden, wie geht das
Start der Evakuierung
Start um 8 Uhr
Starten Sie die Sirene
Wann beginnen die Arbeiten
Beginnen wir
Info bitte
Info über das Hochwasser
Anleitung fehlt
Sprache verloren, Gesicht hängt
Sprache weg, Arm taub
Sprache der Nachbarn verstehe ich nicht
Lang ist der Weg
Lang dauert das nicht mehr oder
Schon lang kein Strom
Help me please
Help the old man upstairs
Hilf mir
Hilfe mein Vater atmet nicht
Hilfe Wasser im Keller
Ich brauche Hilfe
Kein Strom seit drei Stunden
Keller voll Wasser
Feuer im dritten Stock
Es riecht nach Gas
Danke
Danke für die Warnung
Ok
Ja
Nein
Wer sind Sie
Falsche Nummer
Ich bin im Urlaub und lese keine Nachrichten
Wo ist die nächste Notunterkunft
STOP! Kind auf der Fahrbahn
STOP. Hier brennt es
Stop sign is down at the corner
Stop it
Stop the water
Please stop
Do not stop warning me
Don't unsubscribe me
Unsubscribe my neighbour
Cancel the ambulance
Cancel that, we are safe
Quit smoking near the gas leak
Start now
Start the pumps
Begin evacuation
Subscribe my mother too
Info on shelters
Language barrier, need translator
Help, my house is on fire
We need help now
I am trapped
My baby is not breathing
End of the road is flooded
End of the bridge is gone
The end
Thank you
Who is this
Yes
No
Alta tensión en la calle
Alta fiebre y no respira
Baja presión de agua
Baja por favor a la calle
Bajad todos
Parar el tren
Hay que parar el gas
Cancelar la cita
Empezar de nuevo
Iniciar evacuación
Idioma no entiendo
Lengua hinchada, no respira
Lengua azul
Socorro estamos atrapados
Ayuda mi madre se cayó
Gracias por avisar
Dil mein dard hai
Dil ka daura pada hai
Dil yarası
Dilim şişti nefes alamıyorum
Dur geliyorum
Durdur şu suyu
Durdurun arabayı
İptal etmeyin lütfen
İptal edildi mi acaba
Bitir artık
Başla dedi
Başlatın pompayı
Bilgi verin lütfen
Bilgi almak istiyorum
Yardım edin
İmdat yangın var
Bodrum su içinde
Teşekkürler
Tamam
Koniec drogi się pali
Koniec świata
Wypisz mnie ze szpitala
Zapisz mój numer
Włącz syrenę
Włącz prąd
Rezygnacja z pracy
Rezygnuję z jazdy
Język spuchł, nie mogę oddychać
Ratunku pali się
Pomocy, dziecko w wodzie
Dziękuję
Instrukcja ewakuacji
Стоп машина
Стоп, здесь пожар
Стоп кран сорвало
Старт эвакуации
Отписка пришла от полиции
Начать эвакуацию
Язык распух
Язык не шевелится, инсульт
Справка из больницы
Помогите, горим
Спасите
Спасибо
Мова йде про пожежу
Мова відібрало
Стоп вода прибуває
Почати евакуацію
Скасувати виїзд
Довідка потрібна
Допоможіть
Рятуйте, пожежа
Дякую
Спри водата
Отказ на спирачките
Започни евакуация
Помощ, пожар
Език подут
Одјава од лекар
Прекини струју
Упутство за евакуацију
Језик отекао
У помоћ гори
Odjava iz hotela
Prekini struju
Počni bez mene
Upute za evakuaciju
Jezik otekao
Upomoć gori
Hvala
Τέλος του δρόμου καίγεται
Διαγραφή μνήμης
Έναρξη εκκένωσης
Εγγραφή στο σχολείο
Γλώσσα πρησμένη
Πληροφορίες για το καταφύγιο
Βοήθεια φωτιά
Ευχαριστώ
Arrêter le train
Arrêtez l'eau
Il faut arrêter
Commencer à évacuer
Abonner ma mère aussi
Langue gonflée, ne respire plus
Info trafic
Au secours il y a le feu
À l'aide
Merci
Termina la strada qui
Termina il gas
Cancella tutto
Cancella il mio appuntamento
Lingua gonfia
Iscrizione a scuola
Aiuto sto male
Aiuto brucia tutto
Grazie
Sair de casa agora
Sair já
Parar o carro
Cancelar a consulta
Começar a evacuar
Língua inchada
Socorro fogo
Obrigado
Oprire bruscă
Anulare zbor
Pornire motor
Limba umflată
Ajutor arde casa
Mulțumesc
Fillo tani
Gjuha e fryrë
Ndalim trafiku
Ndihmë zjarr
Faleminderit
Leállítás előtt
Kezdés nyolckor
Nyelv bedagadt
Segítség ég a ház
Köszönöm
Stoppen met rijden
Stoppen jullie
Afmelden bij school
Aanmelden waar
Beginnen wij
Taal verloren, mond scheef
Uitleg graag
Help mijn huis brandt
Bedankt
Huy đang ở đây
Dừng xe lại
Hủy chuyến đi
Đăng ký khám bệnh
Bắt đầu sơ tán
Hướng dẫn sơ tán
Ngôn ngữ nào cũng được
Cứu tôi với
Cháy nhà
Cảm ơn
停止供水了
停止呼吸
取消预约
开始下雨了
说明一下
语言不通
救命着火了
谢谢
बंद करें यह पानी
बंद है सड़क
रोकें गाड़ी
शुरू हो गई बाढ़
चालू है गैस
जानकारी चाहिए
भाषा नहीं आती
मदद करो
बचाओ आग लगी है
धन्यवाद
Band karo yeh pani
Roko gaadi ko
Shuru ho gaya
Jankari chahiye
بند راستہ ہے
بند ہے دروازہ
منسوخ ہو گئی پرواز
شروع ہو گئی بارش
زبان سوج گئی
معلومات چاہیے
مدد کرو آگ
شکریہ
توقف کامل قلب
لغو پرواز
شروع سیل
آغاز بارندگی
زبان باد کرده
راهنما لازم دارم
کمک کنید
ممنون
بند دي سړک
پیل شو
ژبه مې پړسېدلې
مرسته وکړئ
إيقاف القلب
إلغاء الرحلة
اشتراك الغاز انتهى
ابدأ الآن
لغة لا أفهمها
معلومات عن الملجأ
النجدة حريق
ساعدوني
شكرا
وەستان لە شەقام
زمان ئاوسا
یارمەتی بدەن
Dawî hat
Dawî li malê
Ziman werimî
Alîkarî agir heye
Spas
Jooji biyaha
Bilow hadda
Luqad ma aqaano
I caawi
Mahadsanid
நிறுத்து வண்டியை
தொடங்கு உடனே
தகவல் தேவை
மொழி தெரியாது
காப்பாற்றுங்கள் தீ
நன்றி
შეწყვეტა წყლის
დაწყება როდის
ენა დამისივდა
დამეხმარეთ
მადლობა
Դադարեցնել ջուրը
Սկսել հիմա
Լեզու ուռել է
Օգնեցեք
አቁም መኪናውን
ጀምር አሁን
ቋንቋ አይገባኝም
እርዱኝ
ኣቋርጽ ማይ
ቋንቋ ኣይርድኣንን
ሓግዙኒ
Start so schnell es geht
Lang und breit
Lang, sehr lang her ist das
STOP STOP STOP Feuer
112
SOS
🔥🔥🔥
...
""".strip().splitlines()

QUESTIONS = """
Ende?
END?
STOP?
Stopp?
Koniec?
Start?
Info?
HELP?
¿Baja?
¿Parar
Dur mu?
İptal?
СТОП?
Отписка?
ΣΤΟΠ;
Διαγραφή;
ΣΤΟΠ\u037e
إيقاف؟
توقف؟
بند؟
停止？
退订?
አቁም፧
Դադարեցնել՞
ԴԱԴԱՐԵՑՆԵԼ՞
STOP❓
STOP ⁇
STOP‽
LANG Türkçe?
START tr?
Dil?
""".strip().splitlines()

CRIES = """
Hilfe
HILFE!
Hilfe!!!
Notfall
Feuer
Aiuto
AIUTO!
Ayuda
Socorro
Auxilio
Au secours
À l'aide
Yardım
YARDIM
İmdat
Imdat
Помощь
Помогите
Спасите
ПОМОЩ
Допоможіть
Рятуйте
Допомога
Помоћ
У помоћ
Помош
Pomoc
Pomocy
Ratunku
Pomoć
Upomoć
Ajutor
Ndihmë
Ndihme
Βοήθεια
VOITHEIA
Segítség
Segitseg
Ajuda
Hulp
Cứu
Cứu tôi
Cuu
救命
救我
मदद
बचाओ
Madad
Bachao
مدد
بچاؤ
کمک
Komak
مساعدة
النجدة
ساعدوني
مرسته
یارمەتی
فریاکەوتن
Alîkarî
Hawar
Caawimaad
Caawi
I caawi
உதவி
Udhavi
დახმარება
დამეხმარეთ
მიშველეთ
Օգնություն
Օգնեցեք
እርዳታ
እርዱኝ
ሓገዝ
ሓግዙኒ
SOS
""".strip().splitlines()
